// A run while it goes on: what the server tells twice a second.
(() => {
  const page = document.getElementById("live");
  if (!page) return;
  const part = (name) => page.querySelector(`[data-part="${name}"]`);
  const [told, faults, chart, log] = ["told", "faults", "chart", "log"].map(part);
  const title = page.querySelector("h1");
  const bar = page.querySelector("progress");
  const LINES = 1000;
  const count = (number) => number.toLocaleString("en-US");
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

  const names = { running: "Running", judged: "Judged", "cut-short": "Cut short" };

  function head(now) {
    const { ok, fail, info, invoked } = now.operations;
    const word = now.verdict || names[now.state];
    const text = word[0].toUpperCase() + word.slice(1);
    // What is read aloud when it changes is set only then.
    if (title.textContent !== text) title.textContent = text;
    title.className = `state ${now.verdict || ""}`;
    const load = now.total_ms && now.phase === "safety";
    const of = load ? ` of ${seconds(now.total_ms)} of load` : " since the load began";
    told.textContent = `${now.phase}: ${seconds(now.elapsed_ms)}${of}. ${count(invoked)} operations: `
      + `${count(ok)} ok, ${count(fail)} failed, ${count(info)} unknown.`;
    bar.value = now.total_ms ? Math.min(1, now.elapsed_ms / now.total_ms) : 0;
  }

  function inForce(now) {
    const items = now.faults.map((fault) => {
      const since = seconds(Math.max(0, now.elapsed_ms - fault.since_ms));
      return dom.el("li", {}, dom.el("span", { class: "badge" }, fault.state), dom.el("div", {},
        dom.el("strong", {}, `${fault.fault} #${fault.id}`),
        ` on ${fault.nodes.join(", ")}, for ${since}`));
    });
    faults.replaceChildren(...(items.length ? items : [dom.el("li", {}, "none")]));
  }

  function draw(now) {
    const [width, height, left] = [1000, 160, 56];
    const sum = (one) => one.ok + one.fail + one.info;
    const top = Math.max(1, ...now.rates.map(sum));
    // The second that goes on is not whole yet.
    const rates = now.state === "running" ? now.rates.slice(0, -1) : now.rates;
    const step = (width - left) / Math.max(30, now.rates.length);
    const bars = rates.flatMap((one, place) => {
      let y = height;
      return ["ok", "fail", "info"].map((kind) => {
        const tall = (one[kind] / top) * (height - 14);
        y -= tall;
        return tall > 0 ? dom.svg("rect", { class: `live-${kind}`, x: left + place * step, y,
          width: step * 0.85, height: tall }) : null;
      });
    });
    chart.replaceChildren(dom.svg("svg", { class: "trend", viewBox: `0 0 ${width} ${height + 20}`,
      role: "img", "aria-label": `Completions per second, at most ${top}` },
      dom.svg("line", { class: "grid", x1: left, x2: width, y1: height, y2: height }),
      dom.svg("line", { class: "grid", x1: left, x2: width, y1: 14, y2: 14 }),
      dom.svg("text", { class: "end", x: left - 8, y: 18 }, count(top)),
      dom.svg("text", { class: "end", x: left - 8, y: height + 4 }, "0"),
      rates.length ? dom.svg("text", { x: left, y: height + 16 }, `${rates[0].second} s`) : null,
      bars));
  }

  function append(lines) {
    if (!lines.length) return;
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.append(...lines.map((line) => dom.el("span", {}, `${line}\n`)));
    while (log.childElementCount > LINES) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  const source = new EventSource(page.dataset.events);
  // Whoever connects is told everything from the beginning.
  source.addEventListener("open", () => log.replaceChildren());
  source.addEventListener("error", () => {
    title.textContent = "Not connected";
  });
  source.addEventListener("message", (event) => {
    const now = JSON.parse(event.data);
    head(now);
    inForce(now);
    draw(now);
    append(now.log);
    if (now.state === "running") return;
    source.close();
    const run = page.dataset.run;
    if (page.querySelector(".actions")) return;
    told.after(dom.el("p", { class: "actions" },
      now.state === "judged" ? dom.el("a", { href: `${run}report.html` }, "Open the report") : null,
      dom.el("a", { href: run }, "All about this run")));
  });
})();
