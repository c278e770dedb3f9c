// The longest order of events that can be right, step by step, up to where it breaks off.
const order = (() => {
  const HEADER = 44;
  // Of a long order, the last steps are drawn: that is where it breaks off.
  const STEPS_DRAWN = 24;
  const BOXES_MAX = 48;

  function start(place, finding) {
    const witness = finding.witness || { steps: [], blocked: [], state: "", left_out: 0 };
    const wrong = new Map(finding.witness ? witness.blocked : culprits(finding));
    const blocked = [...wrong.keys()];
    const skipped = Math.max(0, witness.steps.length - STEPS_DRAWN);
    const steps = witness.steps.slice(skipped);
    const before = witness.left_out + skipped;
    const wanted = [...finding.operations, ...blocked, ...steps.map(([index]) => index)];
    const indexes = [...new Set(wanted)];
    const operations = indexes.slice(0, BOXES_MAX).map(run.operation).filter((o) => o);
    if (operations.length === 0) return;
    const from = Math.min(...operations.map((o) => o.began));
    const to = Math.max(finding.to, ...operations.map((o) => o.ended ?? o.began));
    const view = { finding, witness, steps, before, wrong, blocked, operations, from, to,
      byOrder: false, at: steps.length + 1, hidden: indexes.length - operations.length };
    const figure = dom.el("figure", { class: "order" });
    const canvas = dom.el("div", { class: "scroll" });
    const said = dom.el("p", { class: "said", "aria-live": "polite" });
    const redraw = () => draw(canvas, said, view);
    const go = (to) => {
      view.at = Math.min(steps.length + 1, Math.max(0, to));
      redraw();
    };
    const axis = dom.choice("Axis", [["time", "Real time"], ["order", "Order of events"]], "time",
      (chosen) => {
        view.byOrder = chosen === "order";
        redraw();
      });
    const bar = dom.el("div", { class: "bar-of-controls" }, axis);
    if (finding.witness) bar.append(controls(view, go));
    figure.append(bar, canvas);
    if (finding.witness) figure.append(said);
    figure.append(legend(view));
    if (finding.witness) steer(figure, view, go);
    place.append(figure);
    redraw();
    run.onSelect(() => mark(canvas));
    addEventListener("resize", redraw);
  }

  // Where no order tells: the operations that the finding's title names.
  function culprits(finding) {
    const named = [...finding.title.matchAll(/\bop (\d+)/gi)].map((match) => Number(match[1]));
    return named.filter((index) => finding.operations.includes(index))
      .map((index) => [index, "what the finding is about"]);
  }

  function controls(view, go) {
    return dom.el("div", { class: "steps-control", role: "group", "aria-label": "Steps" },
      dom.button("First", "To the beginning (Home)", () => go(0)),
      dom.button("◀ Back", "One step back (←)", () => go(view.at - 1)),
      dom.button("Next ▶", "One step on (→)", () => go(view.at + 1)),
      dom.button("✗ Jump to the error", "Where no order goes on (End)",
        () => go(view.steps.length + 1)));
  }

  function steer(figure, view, go) {
    const last = view.steps.length + 1;
    const keys = { ArrowRight: () => view.at + 1, ArrowLeft: () => view.at - 1, Home: () => 0,
      End: () => last };
    figure.tabIndex = 0;
    figure.setAttribute("role", "group");
    figure.setAttribute("aria-label", "Order of events; arrow keys step through it");
    figure.addEventListener("keydown", (event) => {
      const to = keys[event.key];
      if (!to || event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(to());
    });
  }

  function legend(view) {
    const key = (kind, text) => dom.el("span", { class: `key ${kind}` }, text);
    const has = (test) => view.operations.some(test);
    const usual = (o) => o.outcome === "ok" && !view.wrong.has(o.index);
    const parts = [
      has((o) => !o.reads && usual(o)) && key("key-write", "changes the state"),
      has((o) => o.reads && usual(o)) && key("key-read", "reads it"),
      has((o) => o.outcome === "fail") && key("key-fail", "failed: did not happen"),
      has((o) => o.outcome === "info") && key("key-open", "outcome unknown: any time or never"),
      view.blocked.length > 0 && key("key-wrong",
        view.finding.witness ? "cannot come next" : "what the finding is about"),
      view.steps.length > 0 && key("key-path", "order in which they can have happened"),
      lanes.faultsBetween(view.from, view.to).length > 0 && key("key-fault", "fault in force"),
    ];
    return dom.el("figcaption", { class: "legend" }, parts.filter((part) => part),
      view.hidden > 0 ? key("", `${words.count(view.hidden)} more operations not drawn`) : null);
  }

  function draw(canvas, said, view) {
    const { operations, blocked, wrong, finding, from, to, byOrder, steps, at } = view;
    const picture = lanes.draw(canvas, { operations, wrong, from, to, byOrder,
      header: finding.witness ? HEADER : 0, choose: run.select });
    if (finding.witness) {
      path(picture, view);
      said.replaceChildren(...told(view));
    }
    const done = new Set(steps.slice(0, at).map(([index]) => index));
    const over = at > steps.length;
    for (const [index, one] of picture.at) {
      const later = finding.witness && !done.has(index) && !(over && blocked.includes(index));
      one.group.classList.toggle("later", Boolean(later) && steps.some(([i]) => i === index));
    }
    canvas.dataset.step = at;
    mark(canvas);
  }

  // Each operation of the order happens at one instant within its box, none before the one before.
  function path(picture, view) {
    const { steps, at, blocked, witness } = view;
    const points = [];
    let last = picture.left;
    for (const [index, state] of steps) {
      const box = picture.at.get(index);
      if (!box) continue;
      const x = Math.min(Math.max(box.from + 4, last + 5), Math.max(box.to - 3, box.from + 4));
      last = x;
      points.push({ x, y: box.y, index, state });
    }
    const shown = points.slice(0, at);
    states(picture, shown, view);
    const line = shown.map((p, n) => `${n ? "L" : "M"}${p.x} ${p.y}`).join("");
    if (line) picture.under.append(dom.svg("path", { class: "path", d: line }));
    shown.forEach((point, n) => {
      const now = n === at - 1;
      picture.svg.append(
        dom.svg("circle", { class: now ? "point now" : "point", cx: point.x, cy: point.y, r: 9 }),
        dom.svg("text", { class: "place", x: point.x, y: point.y + 4 }, view.before + n + 1));
    });
    if (at <= steps.length) return;
    const end = shown[shown.length - 1];
    for (const index of blocked) {
      const box = picture.at.get(index);
      if (!box) continue;
      const x = box.from + Math.min(12, (box.to - box.from) / 2);
      if (end) {
        picture.under.append(dom.svg("path", { class: "dead-end",
          d: `M${end.x} ${end.y}L${x} ${box.y}` }));
      }
      picture.svg.append(dom.svg("text", { class: "cross", x, y: box.y + 7 }, "✗"));
    }
  }

  // A strip above the lanes: what the object holds as the order goes on.
  function states(picture, shown, view) {
    const { svg, left, right, headerY } = picture;
    const over = view.at > view.steps.length;
    const y = headerY + 4;
    const height = 26;
    svg.append(dom.svg("text", { class: "node", x: 6, y: y + 18 }, "state"));
    const begin = view.before === 0 ? "start" : "…";
    const parts = [{ x: left, state: view.witness.steps.length ? begin : view.witness.state },
      ...shown];
    parts.forEach((part, n) => {
      const next = n + 1 < parts.length ? parts[n + 1].x : right;
      const width = Math.max(1, next - part.x);
      const last = n === parts.length - 1;
      const box = dom.svg("g", { class: `state${last && over ? " stuck" : ""}` },
        dom.svg("rect", { x: part.x, y, width, height }),
        width > 48 || n > 0 ? dom.svg("text", { x: part.x + 6, y: y + 18 },
          words.clip(part.state, Math.max(2, Math.floor((width - 8) / 7.9)))) : null);
      tip.on(box, () => [n === 0 ? "Before these steps" : `State after step ${view.before + n}`,
        part.state]);
      svg.append(box);
    });
  }

  function told(view) {
    const { steps, at, before, witness } = view;
    const strong = (text) => dom.el("strong", {}, text);
    const all = before + steps.length;
    const link = (index) => dom.el("a", { class: "name", href: `#op-${index}` }, `op-${index}`);
    const label = (index) => run.operation(index)?.label ?? "not on this page";
    if (at > steps.length) {
      const parts = [strong("No operation can come next. "), "The state is ",
        dom.el("code", {}, witness.state), ", but "];
      witness.blocked.slice(0, 3).forEach(([index, reason], n) => {
        parts.push(n ? "; and " : "", dom.el("span", { class: "wrong-mark" }, "✗ "),
          dom.el("span", { class: "op" }, label(index)), " ", link(index), `: ${reason}`);
      });
      const more = witness.blocked.length - 3;
      return [...parts, more > 0 ? `; and ${more} more.` : "."];
    }
    if (at === 0) {
      const skipped = before > 0 ? `${words.count(before)} earlier steps are not drawn. ` : "";
      return [`${skipped}Step through the longest order that can be right: → or Next.`];
    }
    const [index, state] = steps[at - 1];
    const was = at > 1 ? steps[at - 2][1] : before > 0 ? "…" : "start";
    return [strong(`Step ${before + at} of ${all}: `),
      dom.el("span", { class: "op" }, label(index)), " ", link(index), ". State: ",
      dom.el("code", {}, was), " → ", dom.el("code", {}, state), "."];
  }

  function mark(canvas) {
    for (const group of canvas.querySelectorAll("[data-op]")) {
      group.classList.toggle("selected", Number(group.dataset.op) === run.selected());
    }
  }

  return { start };
})();
