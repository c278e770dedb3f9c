// Transactions of a cycle as a ring; each edge goes from the micro-operation that causes it.
const cycle = (() => {
  // Of a longer cycle only those micro-operations are listed that cause an edge.
  const WHOLE_MAX = 4;
  const KINDS = {
    ww: "ww: one wrote the version after the other's",
    wr: "wr: one read what the other wrote",
    rw: "rw: one did not see what the other wrote",
    process: "process: one process did both, one after the other",
    realtime: "realtime: one was over before the other began",
  };

  // The lines of each box: a micro-operation each; those left out in one line at the end.
  function listed({ nodes, edges }) {
    const touched = nodes.map(() => new Set());
    for (const edge of edges) {
      if (edge.from_micro !== null) touched[edge.from].add(edge.from_micro);
      if (edge.to_micro !== null) touched[edge.to].add(edge.to_micro);
    }
    return nodes.map((node, n) => {
      const lines = node.micros.map((text, micro) => ({ text, micro, told: [text],
        touched: touched[n].has(micro) }));
      const left = lines.filter((line) => !line.touched);
      if (nodes.length <= WHOLE_MAX || left.length < 2) return lines;
      return [...lines.filter((line) => line.touched), { text: `and ${left.length} more`,
        micro: null, told: left.map((line) => line.text), touched: false }];
    });
  }

  function node(one, box, lines) {
    const operation = run.operation(one.operation);
    const where = operation
      ? `${operation.name} · process ${operation.process}${operation.node
        ? ` on ${operation.node}` : ""}` : `op-${one.operation}`;
    const chars = ring.chars(box);
    const choose = () => run.select(one.operation);
    const group = dom.svg("g", { class: "txn", tabindex: 0, role: "button",
      "data-op": one.operation, "aria-label": `${one.name}, ${where}: ${one.micros.join("; ")}`,
      onclick: choose, onkeydown: (event) => event.key === "Enter" && choose() },
      dom.svg("rect", { class: "frame", x: box.x, y: box.y, width: box.w, height: box.h, rx: 6 }),
      dom.svg("text", { class: "txn-name", x: box.x + 12, y: box.y + 21 }, one.name),
      dom.svg("text", { class: "txn-op", x: box.x + 12, y: box.y + 38 }, words.clip(where, chars)));
    lines.forEach((line, n) => {
      const y = box.y + ring.HEAD + n * ring.ROW;
      const kind = line.touched ? " touched" : line.micro === null ? " others" : "";
      const row = dom.svg("g", { class: `micro${kind}` },
        dom.svg("rect", { x: box.x + 4, y, width: box.w - 8, height: ring.ROW - 1 }),
        dom.svg("text", { x: box.x + 12, y: y + 15 }, ends(line.text, chars)));
      tip.on(row, () => line.told);
      group.append(row);
    });
    return group;
  }

  // The beginning and the end of a long micro-operation: what was appended last tells.
  function ends(text, chars) {
    const all = [...text];
    if (all.length <= chars) return text;
    const first = Math.min(12, Math.floor(chars / 2));
    return `${all.slice(0, first).join("")}…${all.slice(all.length - chars + first + 1).join("")}`;
  }

  function arrow(kind, id) {
    return dom.svg("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7,
      markerHeight: 7, orient: "auto" },
      dom.svg("path", { class: `arrow ${kind}`, d: "M0 0L8 4L0 8z" }));
  }

  function edges({ nodes, edges: all }, routes, figure, said, ids) {
    return all.map((edge, n) => {
      const { d, label } = routes[n];
      const [from, to] = [nodes[edge.from].name, nodes[edge.to].name];
      const title = `${from} before ${to} (${edge.kind}), because ${edge.because}`;
      const group = dom.svg("g", { class: `edge ${edge.kind}`, tabindex: 0, role: "button",
        "aria-label": title },
        dom.svg("path", { class: "reach", d }),
        dom.svg("path", { class: "line", d, "marker-end": `url(#${ids[edge.kind]})` }),
        dom.svg("text", { class: "edge-name", x: label.x, y: label.y,
          "text-anchor": label.anchor }, `${edge.kind}: ${from} < ${to}`));
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
        run.select(nodes[edge.from].operation);
      });
      tip.on(group, () => [title]);
      return group;
    });
  }

  function draw(canvas, said, found, number) {
    const lines = listed(found);
    const size = ring.places(lines.map((all) => all.length), canvas.clientWidth || 1080);
    const row = (n, micro) => {
      const place = lines[n].findIndex((line) => line.micro === micro);
      return micro === null || place < 0 ? null : place;
    };
    const ends = found.edges.map((edge, n) => ({ n, from: edge.from, to: edge.to,
      fromRow: row(edge.from, edge.from_micro), toRow: row(edge.to, edge.to_micro) }));
    const kinds = [...new Set(found.edges.map((edge) => edge.kind))];
    const ids = Object.fromEntries(kinds.map((kind) => [kind, `arrow-${number}-${kind}`]));
    const svg = dom.svg("svg", { class: "ring", viewBox: `0 0 ${size.width} ${size.height}`,
      width: size.width, height: size.height, role: "group",
      "aria-label": `A cycle of ${found.nodes.length} transactions` },
      dom.svg("defs", {}, kinds.map((kind) => arrow(kind, ids[kind]))));
    found.nodes.forEach((one, n) => svg.append(node(one, size.boxes[n], lines[n])));
    svg.append(...edges(found, ring.routes(ends, size.boxes), canvas, said, ids));
    canvas.replaceChildren(svg);
    mark(canvas);
  }

  function mark(canvas) {
    for (const group of canvas.querySelectorAll("[data-op]")) {
      group.classList.toggle("selected", Number(group.dataset.op) === run.selected());
    }
  }

  function start(place, finding, number) {
    const found = finding.cycle;
    const canvas = dom.el("div", { class: "scroll" });
    const said = dom.el("p", { class: "said", "aria-live": "polite" },
      "Each arrow says: this one must come before that one. They lead back to where they began, "
      + "so no order is right. Point at an arrow to see why.");
    const kinds = [...new Set(found.edges.map((edge) => edge.kind))];
    const legend = kinds.map((kind) =>
      dom.el("span", { class: `key edge-key ${kind}` }, KINDS[kind] ?? kind));
    place.append(dom.el("figure", { class: "cycle" }, canvas, said,
      dom.el("figcaption", { class: "legend" }, legend)));
    const redraw = () => draw(canvas, said, found, number);
    redraw();
    run.onSelect(() => mark(canvas));
    addEventListener("resize", redraw);
  }

  return { start };
})();
