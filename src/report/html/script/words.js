// Numbers and times in words, as the rest of the page has them.
const words = (() => {
  const count = (number) => number.toLocaleString("en-US");

  // 3.700 s
  const instant = (ns) => `${Math.floor(ns / 1e9)}.${String(Math.floor(ns / 1e6) % 1000)
    .padStart(3, "0")} s`;

  // An instant with as many digits as a step of `step` needs.
  function tick(ns, step) {
    const digits = Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))));
    return `${(ns / 1e9).toFixed(digits)} s`;
  }

  function span(ns) {
    if (ns === null) return "no answer";
    if (ns < 1e3) return `${ns} ns`;
    if (ns < 1e6) return `${Math.floor(ns / 1e3)} µs`;
    const tenths = (unit, name) => {
      const text = (Math.floor((ns / unit) * 10) / 10).toFixed(1);
      return `${text.replace(/\.0$/, "")} ${name}`;
    };
    if (ns < 1e9) return tenths(1e6, "ms");
    if (ns < 120e9) return tenths(1e9, "s");
    return `${Math.floor(ns / 60e9)} m ${Math.floor(ns / 1e9) % 60} s`;
  }

  const clip = (text, chars) => {
    const all = [...text];
    return all.length <= chars ? text : `${all.slice(0, Math.max(1, chars - 1)).join("")}…`;
  };

  // Round values from `from` to `to`, about `wanted` of them.
  function ticks(from, to, wanted) {
    const least = Math.max(to - from, 1e-9) / wanted;
    let step = 10 ** Math.floor(Math.log10(least));
    for (const factor of [1, 2, 5, 10]) {
      if (step * factor >= least) {
        step *= factor;
        break;
      }
    }
    const all = [];
    for (let place = Math.ceil(from / step); place * step <= to; place++) all.push(place * step);
    return { step, all };
  }

  // ① to ⑳, then (21)
  const circled = (n) => (n <= 20 ? String.fromCharCode(0x245f + n) : `(${n})`);

  return { count, instant, tick, span, clip, ticks, circled };
})();
