// Where the transactions of a cycle stand and how its edges run: geometry alone, in pixels.
//
// Two columns, clockwise: the first transaction is above on the left, and however many there are,
// each stands next to the one it leads to. Where there is no room for two, all are in one column.
const ring = (() => {
  const HEAD = 46;
  const ROW = 22;
  const CHAR = 7.8;
  const BOX = 300;
  // Room beside the columns for the edges within them.
  const SIDE = 58;
  const BETWEEN = [150, 300];
  const BELOW = 44;
  const TOP = 14;

  const height = (rows) => HEAD + Math.max(1, rows) * ROW + 8;
  const chars = (box) => Math.floor((box.w - 24) / CHAR);

  function column(all, places, x, w, tall) {
    const sum = places.reduce((total, n) => total + all[n].h, 0);
    const space = places.length > 1 ? (tall - sum) / (places.length - 1) : 0;
    let y = places.length > 1 ? TOP : TOP + (tall - sum) / 2;
    for (const n of places) {
      Object.assign(all[n], { x, y, w });
      y += all[n].h + space;
    }
  }

  // `rows`: lines of each box; `room`: pixels across. Boxes, and the size of the whole.
  function places(rows, room) {
    const all = rows.map((lines) => ({ h: height(lines) }));
    const order = all.map((_, n) => n);
    const tallest = (of) => of.reduce((sum, n) => sum + all[n].h, (of.length - 1) * BELOW);
    const least = 2 * (BOX + SIDE) + BETWEEN[0];
    if (room < least) {
      const w = Math.min(BOX, room - 2 * SIDE + 20);
      const tall = tallest(order);
      order.forEach((n) => Object.assign(all[n], { side: 0 }));
      column(all, order, SIDE - 10, w, tall);
      return { boxes: all, width: w + 2 * SIDE - 20, height: tall + 2 * TOP };
    }
    const many = Math.floor(all.length / 2);
    const right = order.slice(1, many + 1);
    const left = [0, ...order.slice(many + 1).reverse()];
    const tall = Math.max(tallest(left), tallest(right));
    const between = Math.min(BETWEEN[1], room - 2 * (BOX + SIDE));
    left.forEach((n) => Object.assign(all[n], { side: -1 }));
    right.forEach((n) => Object.assign(all[n], { side: 1 }));
    // Two have no edges beside them.
    const side = all.length > 2 ? SIDE : 4;
    column(all, left, side, BOX, tall);
    column(all, right, side + BOX + between, BOX, tall);
    return { boxes: all, width: 2 * (BOX + side) + between, height: tall + 2 * TOP };
  }

  const middle = (box, row) => box.y + (row === null ? HEAD / 2 : HEAD + row * ROW + ROW / 2);

  function curve(from, to, pull, bend) {
    const c1 = { x: from.x + from.out * pull, y: from.y + bend };
    const c2 = { x: to.x + to.out * pull, y: to.y + bend };
    return { d: `M${from.x} ${from.y}C${c1.x} ${c1.y} ${c2.x} ${c2.y} ${to.x} ${to.y}`,
      mid: { x: (from.x + 3 * c1.x + 3 * c2.x + to.x) / 8,
        y: (from.y + 3 * c1.y + 3 * c2.y + to.y) / 8 } };
  }

  // From one column to the other: between the boxes, and bent away from an edge back.
  function across(edge, a, b, others) {
    const out = a.x < b.x ? 1 : -1;
    const from = { x: out > 0 ? a.x + a.w : a.x, y: middle(a, edge.fromRow), out };
    const to = { x: out > 0 ? b.x : b.x + b.w, y: middle(b, edge.toRow), out: -out };
    const [upper] = others.sort((one, other) => one.level - other.level || one.n - other.n);
    const below = upper.n !== edge.n;
    const bend = others.length < 2 ? 0 : below ? 30 : -30;
    const { d, mid } = curve(from, to, Math.abs(to.x - from.x) / 2.4, bend);
    return { d, label: { x: mid.x, y: mid.y + (below ? 19 : -12), anchor: "middle" } };
  }

  // Within a column: around the outside, its name in the space before the later box.
  function beside(edge, a, b) {
    const out = a.side !== 0 ? a.side : edge.to > edge.from ? 1 : -1;
    const x = (box) => (out > 0 ? box.x + box.w : box.x);
    const from = { x: x(a), y: middle(a, edge.fromRow), out };
    const to = { x: x(b), y: middle(b, edge.toRow), out };
    const { d } = curve(from, to, SIDE * 0.95, 0);
    // Around several boxes: the name is where it comes from.
    const far = a.side === 0 && Math.abs(edge.to - edge.from) > 1;
    const below = far || a.y > b.y ? a : b;
    const label = { x: out > 0 ? x(a) - 6 : x(a) + 6, y: below.y - 16 };
    return { d, label: { ...label, anchor: out > 0 ? "end" : "start" } };
  }

  // `edges`: `{n, from, to, fromRow, toRow}`. For each its path and where its name goes.
  function routes(edges, boxes) {
    return edges.map((edge) => {
      const [a, b] = [boxes[edge.from], boxes[edge.to]];
      if (a.side === b.side) return beside(edge, a, b);
      const same = (one) => Math.min(one.from, one.to) === Math.min(edge.from, edge.to)
        && Math.max(one.from, one.to) === Math.max(edge.from, edge.to);
      const others = edges.filter(same).map((one) => ({ n: one.n,
        level: middle(boxes[one.from], one.fromRow) + middle(boxes[one.to], one.toRow) }));
      return across(edge, a, b, others);
    });
  }

  return { HEAD, ROW, places, routes, chars };
})();
