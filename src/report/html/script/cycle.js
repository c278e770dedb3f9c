// Transactions of a cycle as a ring; each edge goes from the micro-operation that causes it.
const cycle = (() => {
  const BOX = 300;
  const HEAD = 46;
  const ROW = 22;
  const CHARS = 36;
  const KINDS = {
    ww: "ww: one wrote the version after the other's",
    wr: "wr: one read what the other wrote",
    rw: "rw: one did not see what the other wrote",
    process: "process: one process did both, one after the other",
    realtime: "realtime: one was over before the other began",
  };

  const height = (node) => HEAD + Math.max(1, node.micros.length) * ROW + 8;

  // Two side by side, more around an ellipse.
  function places(nodes) {
    const count = nodes.length;
    if (count === 2) {
      const tall = Math.max(...nodes.map(height));
      const at = (x, node) => ({ x, y: 50 + (tall - height(node)) / 2, h: height(node) });
      const all = [at(10, nodes[0]), at(10 + BOX + 300, nodes[1])];
      return { all, width: BOX * 2 + 320, height: tall + 110 };
    }
    const tall = Math.max(...nodes.map(height));
    const rx = Math.max(BOX * 0.95, (count * BOX) / 5.2);
    const ry = Math.max(tall * 0.95 + 40, (count * (tall + 40)) / 6.5);
    const all = nodes.map((node, n) => {
      const angle = (n / count) * 2 * Math.PI - Math.PI / 2 - (count === 4 ? Math.PI / 4 : 0);
      const h = height(node);
      const x = 10 + rx + rx * Math.cos(angle);
      return { x, y: 40 + ry + tall / 2 + ry * Math.sin(angle) - h / 2, h };
    });
    return { all, width: rx * 2 + BOX + 20, height: ry * 2 + tall + 80 };
  }

  // Where an edge touches a box: at its micro-operation, on the side of the other box.
  function anchor(box, micro, towards) {
    const right = towards.x > box.x + BOX / 3;
    const row = micro === null ? HEAD / 2 : HEAD + micro * ROW + ROW / 2;
    return { x: right ? box.x + BOX : box.x, y: box.y + row, out: right ? 1 : -1 };
  }

  function route(edge, boxes, bend) {
    const [a, b] = [boxes[edge.from], boxes[edge.to]];
    const from = anchor(a, edge.from_micro, b);
    const to = anchor(b, edge.to_micro, a);
    if (Math.abs(a.x - b.x) < BOX / 3) {
      from.x = Math.max(a.x, b.x) + BOX;
      to.x = from.x;
      from.out = to.out = 1;
      from.x = a.x + BOX;
      to.x = b.x + BOX;
    }
    const pull = Math.max(60, Math.abs(to.x - from.x) / 2.4);
    const c1 = { x: from.x + from.out * pull, y: from.y + bend };
    const c2 = { x: to.x + to.out * pull, y: to.y + bend };
    const mid = { x: (from.x + 3 * c1.x + 3 * c2.x + to.x) / 8,
      y: (from.y + 3 * c1.y + 3 * c2.y + to.y) / 8 };
    const d = `M${from.x} ${from.y}C${c1.x} ${c1.y} ${c2.x} ${c2.y} ${to.x} ${to.y}`;
    return { d, mid };
  }

  function node(one, box, n, touched) {
    const operation = run.operation(one.operation);
    const where = operation
      ? `${operation.name} · process ${operation.process}${operation.node
        ? ` on ${operation.node}` : ""}` : `op-${one.operation}`;
    const choose = () => run.select(one.operation);
    const group = dom.svg("g", { class: "txn", tabindex: 0, role: "button",
      "data-op": one.operation, "aria-label": `${one.name}, ${where}: ${one.micros.join("; ")}`,
      onclick: choose, onkeydown: (event) => event.key === "Enter" && choose() },
      dom.svg("rect", { class: "frame", x: box.x, y: box.y, width: BOX, height: box.h, rx: 6 }),
      dom.svg("text", { class: "txn-name", x: box.x + 12, y: box.y + 21 }, one.name),
      dom.svg("text", { class: "txn-op", x: box.x + 12, y: box.y + 38 }, words.clip(where, CHARS)));
    one.micros.forEach((micro, m) => {
      const y = box.y + HEAD + m * ROW;
      const row = dom.svg("g", { class: touched.has(`${n}.${m}`) ? "micro touched" : "micro" },
        dom.svg("rect", { x: box.x + 4, y, width: BOX - 8, height: ROW - 1 }),
        dom.svg("text", { x: box.x + 12, y: y + 15 }, ends(micro)));
      tip.on(row, () => [micro]);
      group.append(row);
    });
    return group;
  }

  // The beginning and the end of a long micro-operation: what was appended last tells.
  function ends(text) {
    const all = [...text];
    if (all.length <= CHARS) return text;
    return `${all.slice(0, 12).join("")}…${all.slice(all.length - CHARS + 13).join("")}`;
  }

  function arrow(kind, id) {
    return dom.svg("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7,
      markerHeight: 7, orient: "auto" },
      dom.svg("path", { class: `arrow ${kind}`, d: "M0 0L8 4L0 8z" }));
  }

  function edges(ring, boxes, figure, said, ids) {
    const pairs = new Map();
    return ring.edges.map((edge, n) => {
      const pair = [edge.from, edge.to].sort().join("-");
      const twin = pairs.get(pair) ?? 0;
      pairs.set(pair, twin + 1);
      const bend = ring.nodes.length === 2 ? (twin === 0 ? -34 : 34) : 0;
      const { d, mid } = route(edge, boxes, bend);
      const [from, to] = [ring.nodes[edge.from].name, ring.nodes[edge.to].name];
      const title = `${from} before ${to} (${edge.kind}), because ${edge.because}`;
      const name = `${from} < ${to}`;
      const group = dom.svg("g", { class: `edge ${edge.kind}`, tabindex: 0, role: "button",
        "aria-label": title },
        dom.svg("path", { class: "reach", d }),
        dom.svg("path", { class: "line", d, "marker-end": `url(#${ids[edge.kind]})` }),
        dom.svg("text", { class: "edge-name", x: mid.x, y: mid.y - 4 }, `${edge.kind}: ${name}`));
      const tell = () => {
        for (const other of figure.querySelectorAll(".edge")) {
          other.classList.toggle("told", other === group);
        }
        said.textContent = `${title}.`;
      };
      group.addEventListener("pointerenter", tell);
      group.addEventListener("focus", tell);
      group.addEventListener("click", () => {
        tell();
        run.select(ring.nodes[edge.from].operation);
      });
      tip.on(group, () => [title]);
      return group;
    });
  }

  function start(place, finding, number) {
    const ring = finding.cycle;
    const { all: boxes, width, height: tall } = places(ring.nodes);
    const kinds = [...new Set(ring.edges.map((edge) => edge.kind))];
    const ids = Object.fromEntries(kinds.map((kind) => [kind, `arrow-${number}-${kind}`]));
    const touched = new Set(ring.edges.flatMap((edge) =>
      [`${edge.from}.${edge.from_micro}`, `${edge.to}.${edge.to_micro}`]));
    const figure = dom.el("figure", { class: "cycle" });
    const said = dom.el("p", { class: "said", "aria-live": "polite" },
      "Each arrow says: this one must come before that one. They lead back to where they began, "
      + "so no order is right. Point at an arrow to see why.");
    const svg = dom.svg("svg", { class: "ring", viewBox: `0 0 ${width} ${tall}`, width,
      height: tall, role: "group", "aria-label": `A cycle of ${ring.nodes.length} transactions` },
      dom.svg("defs", {}, kinds.map((kind) => arrow(kind, ids[kind]))));
    ring.nodes.forEach((one, n) => svg.append(node(one, boxes[n], n, touched)));
    svg.append(...edges(ring, boxes, figure, said, ids));
    const legend = kinds.map((kind) =>
      dom.el("span", { class: `key edge-key ${kind}` }, KINDS[kind] ?? kind));
    figure.append(dom.el("div", { class: "scroll" }, svg), said,
      dom.el("figcaption", { class: "legend" }, legend));
    place.append(figure);
    run.onSelect((index) => {
      for (const group of svg.querySelectorAll("[data-op]")) {
        group.classList.toggle("selected", Number(group.dataset.op) === index);
      }
    });
  }

  return { start };
})();
