// All operations of the page in one table: only the rows in sight exist.
const operations = (() => {
  const ROW = 30;
  const SPARE = 8;
  const PRINTED_MAX = 200;
  const COLUMNS =
    ["Name", "Began", "Took", "Process", "Node", "Key", "Operation", "Outcome", "Error"];

  const filter = { text: "", outcome: "", node: "", key: "", named: false, from: 0, to: run.end };
  let rows = run.operations;
  let parts = null;
  // What the filter was before printing began.
  let printed = null;

  function passes(operation) {
    return (!filter.named || run.named.has(operation.index))
      && (!filter.outcome || operation.outcome === filter.outcome)
      && (!filter.node || operation.node === filter.node)
      && (!filter.key || operation.key === filter.key)
      && operation.began <= filter.to && (operation.ended ?? operation.began) >= filter.from
      && (!filter.text || searched(operation));
  }

  function searched(operation) {
    const { name, label, error, key, node, process } = operation;
    return `${name} ${label} ${error} ${key} ${node} p${process}`.toLowerCase()
      .includes(filter.text);
  }

  function refilter() {
    rows = run.operations.filter(passes);
    const all = words.count(run.operations.length);
    parts.count.textContent = `${words.count(rows.length)} of ${all} operations`;
    parts.scroller.scrollTop = 0;
    parts.table.setAttribute("aria-rowcount", rows.length + 1);
    parts.inTime.hidden = filter.from === 0 && filter.to === run.end;
    const [from, to] = [words.instant(filter.from), words.instant(filter.to)];
    parts.inTime.textContent = `from ${from} to ${to} ✕`;
    paint();
  }

  function paint() {
    const { scroller, body, above, below } = parts;
    const seen = printed ? PRINTED_MAX : Math.ceil(scroller.clientHeight / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - SPARE);
    const last = Math.min(rows.length, first + seen);
    above.style.height = `${first * ROW}px`;
    below.style.height = `${(rows.length - last) * ROW}px`;
    body.replaceChildren(...rows.slice(first, last).map((one, n) => row(one, first + n)));
  }

  function row(operation, place) {
    const kinds = [operation.outcome];
    if (run.named.has(operation.index)) kinds.push("named");
    if (operation.index === run.selected()) kinds.push("selected");
    const took = operation.outcome === "info" && operation.took === null
      ? "no answer" : words.span(operation.took);
    const cells = [words.instant(operation.began), took, operation.process, operation.node,
      operation.key, operation.label, operation.outcome, operation.error];
    return dom.el("tr", { id: operation.name, class: kinds.join(" "), "aria-rowindex": place + 2,
      onclick: () => run.select(operation.index) },
      dom.el("th", { scope: "row" }, dom.el("a", { href: `#${operation.name}` }, operation.name)),
      cells.map((cell, n) => dom.el("td", { class: n === 5 ? "op" : null, title: cell }, cell)));
  }

  function select(name, values, change) {
    const options = values.map((value) => dom.el("option", { value }, value));
    return dom.el("label", {}, `${name} `,
      dom.el("select", { onchange: (event) => change(event.target.value), "aria-label": name },
        dom.el("option", { value: "" }, "all"), options));
  }

  // The different values of a column, the first of too many.
  const distinct = (column) =>
    [...new Set(run.operations.map((o) => o[column]))].filter((v) => v).slice(0, 500).sort();

  function filters() {
    const changed = (name) => (value) => {
      filter[name] = value;
      refilter();
    };
    const search = dom.el("input", { type: "search", placeholder: "write 17, op-42, timeout, p3",
      "aria-label": "Search operations",
      oninput: (event) => changed("text")(event.target.value.toLowerCase()) });
    const named = dom.el("input", { type: "checkbox", onchange: (event) =>
      changed("named")(event.target.checked) });
    return dom.el("div", { class: "filters", role: "search" },
      dom.el("label", {}, "Search ", search),
      select("Outcome", ["ok", "fail", "info"], changed("outcome")),
      distinct("node").length ? select("Node", distinct("node"), changed("node")) : null,
      distinct("key").length ? select("Key", distinct("key"), changed("key")) : null,
      run.named.size ? dom.el("label", {}, named, " in the findings") : null,
      parts.inTime, parts.count);
  }

  // Scrolls the table to an operation; filters which hide it are given up.
  function reveal(index) {
    const operation = run.operation(index);
    if (!operation) return false;
    if (!passes(operation)) clear();
    const place = rows.indexOf(operation);
    const { scroller } = parts;
    scroller.scrollTop = Math.max(0, place * ROW - scroller.clientHeight / 2);
    paint();
    return true;
  }

  function clear() {
    Object.assign(filter, { text: "", outcome: "", node: "", key: "", named: false, from: 0,
      to: run.end });
    for (const control of parts.bar.querySelectorAll("input, select")) {
      control.value = "";
      control.checked = false;
    }
    refilter();
  }

  // Nobody scrolls on paper: it has the operations of the findings.
  function print(begins) {
    if (begins === (printed !== null)) return;
    const was = printed;
    printed = begins ? { ...filter } : null;
    const all = { text: "", outcome: "", node: "", key: "", named: true, from: 0, to: run.end };
    Object.assign(filter, begins ? all : was);
    refilter();
  }

  function detail(index) {
    const operation = run.operation(index);
    parts.detail.hidden = !operation;
    if (operation) {
      parts.detail.replaceChildren(...run.operationLines(operation).map((line, n) =>
        dom.el(n === 0 ? "strong" : "div", { class: n === 0 ? "op" : null }, line)));
      const trace = run.trace(operation);
      if (trace) {
        parts.detail.append(dom.el("div", { class: "trace" }, "trace ",
          trace.url ? dom.el("a", { href: trace.url, rel: "noreferrer" }, trace.id) : trace.id));
      }
    }
  }

  // `#op-1234` of the address leads to the row.
  function followLink() {
    const found = /^#op-(\d+)$/.exec(location.hash);
    if (!found || !run.operation(Number(found[1]))) return;
    run.select(Number(found[1]));
    document.getElementById("operations").scrollIntoView();
  }

  function start(place) {
    const head = dom.el("tr", {}, COLUMNS.map((name) => dom.el("th", { scope: "col" }, name)));
    parts = {
      above: dom.el("tbody", { class: "room" }), body: dom.el("tbody"),
      below: dom.el("tbody", { class: "room" }), count: dom.el("output"),
      inTime: dom.button("", "Give up the time that the charts show", () => between(0, run.end)),
      detail: dom.el("div", { class: "detail-of-operation", "aria-live": "polite", hidden: true }),
    };
    parts.table = dom.el("table", { class: "operations virtual" }, dom.el("thead", {}, head),
      parts.above, parts.body, parts.below);
    parts.scroller = dom.el("div", { class: "scroll tall rows", tabindex: 0, role: "region",
      "aria-label": "Operations" }, parts.table);
    parts.bar = filters();
    const onPaper = dom.el("p", { class: "on-paper" },
      run.named.size ? "On paper, those that the findings name." : "On paper, the first.");
    place.append(parts.bar, onPaper, parts.scroller, parts.detail);
    if (run.leftOut) place.prepend(dom.el("p", { class: "left-out" }, run.leftOut));
    parts.scroller.addEventListener("scroll", paint);
    parts.scroller.addEventListener("keydown", move);
    run.onSelect((index) => {
      reveal(index);
      detail(index);
    });
    refilter();
    addEventListener("hashchange", followLink);
    addEventListener("resize", paint);
    if (run.named.size) {
      addEventListener("beforeprint", () => print(true));
      addEventListener("afterprint", () => print(false));
    }
    followLink();
  }

  // Arrow keys go from operation to operation.
  function move(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const now = rows.findIndex((operation) => operation.index === run.selected());
    const next = rows[Math.min(rows.length - 1, Math.max(0, now + by))];
    if (next) run.select(next.index);
  }

  // Only what was under way between two times.
  function between(from, to) {
    filter.from = from;
    filter.to = to;
    refilter();
  }

  return { start, between };
})();
