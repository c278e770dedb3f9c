// Processes as lanes, operations as boxes, faults behind; by real time or by order of events.
const lanes = (() => {
  const ROW = 60;
  const CHAR = 7.9;
  const BOX_MIN = 9;
  const GAP = 14;
  const AXIS = 30;
  const FAULT = 20;
  const FAULTS_MAX = 6;

  // Where a time is, in pixels: evenly, or one step for each beginning and end.
  function axis(operations, byOrder, left, right) {
    const ends = (o) => (o.outcome === "info" || o.ended === null ? o.began : o.ended);
    const moments = [...new Set(operations.flatMap((o) => [o.began, ends(o)]))];
    moments.sort((a, b) => a - b);
    const width = right - left;
    if (byOrder) {
      const x = (time) => {
        let place = moments.findIndex((moment) => moment >= time);
        if (place < 0) place = moments.length;
        const on = moments[place] === time ? 0.5 : 0;
        return left + ((place + on) / Math.max(1, moments.length)) * width;
      };
      const every = Math.ceil(moments.length / Math.max(2, width / 110));
      return { x, ticks: moments.filter((_, n) => n % every === 0).map((at) => [at, null]) };
    }
    const [first, last] = [moments[0] ?? 0, moments[moments.length - 1] ?? 0];
    const margin = Math.max((last - first) / 25, 1000);
    const [from, to] = [first - margin, last + margin];
    const x = (time) => {
      const share = (time - from) / (to - from);
      return left + Math.min(1, Math.max(0, share)) * width;
    };
    const { step, all } = words.ticks(from, to, Math.max(3, width / 120));
    return { x, ticks: all.filter((at) => at >= 0).map((at) => [at, step]) };
  }

  // Rows for all operations: a lane per process, as many rows in it as keep labels apart.
  function layout(operations, x, left, right) {
    const sorted = [...operations].sort((a, b) => a.began - b.began || a.index - b.index);
    const processes = [...new Set(sorted.map((operation) => operation.process))];
    const all = { lanes: [], placed: [], rows: 0 };
    for (const process of processes) {
      const until = [];
      const own = sorted.filter((operation) => operation.process === process);
      const first = all.rows;
      for (const operation of own) {
        const label = words.clip(operation.label, Math.floor((right - left) / CHAR) - 4);
        const from = x(operation.began);
        const open = operation.outcome === "info" || operation.ended === null;
        const to = Math.max(open ? right : x(operation.ended), from + BOX_MIN);
        const width = Math.max(label.length + 4, 22) * CHAR;
        const labelX = Math.max(left, Math.min(from, right - width));
        let row = until.findIndex((end) => end <= Math.min(labelX, from));
        if (row < 0) row = until.push(0) - 1;
        until[row] = Math.max(to, labelX + width) + GAP;
        all.placed.push({ operation, label, from, to, open, labelX, row: first + row });
      }
      all.lanes.push({ process, node: own[0].node, first, rows: until.length });
      all.rows += until.length;
    }
    return all;
  }

  const text = (kind, x, y, content) => dom.svg("text", { class: kind, x, y }, content);

  function fault(band, scale, place, right, height) {
    const y = AXIS + place * FAULT;
    const from = scale.x(band.from);
    const to = Math.max(band.to === null ? right : scale.x(band.to), from + 2);
    const name = `${band.fault} #${band.id} on ${band.nodes}`;
    const room = Math.floor((right - from) / 7.2);
    const group = dom.svg("g", { class: "fault", tabindex: 0, role: "img",
      "aria-label": run.faultLines(band).join("; ") },
      dom.svg("rect", { class: "band", x: from, y, width: to - from, height: height - y }),
      dom.svg("rect", { class: "bar", x: from, y, width: to - from, height: 4 }),
      text("fault-name", from + 4, y + 16, words.clip(name, Math.max(14, room))));
    tip.on(group, () => run.faultLines(band));
    return group;
  }

  // `wrong`: why it cannot come next, if so.
  function box(placed, y, wrong, right, choose) {
    const { operation, from, to, labelX } = placed;
    const kind = operation.reads ? "read" : "write";
    const state = `${operation.outcome}${wrong ? " wrong" : ""}`;
    const took = operation.outcome === "info" ? "outcome unknown" : words.span(operation.took);
    const room = Math.floor((right - labelX) / 6.7);
    const whole = [operation.name, took, wrong].filter((part) => part).join(" · ");
    const name = whole.length <= room ? whole : `${operation.name} · ${took}`;
    const group = dom.svg("g", { class: `operation ${kind} ${state}`, tabindex: 0,
      role: "button", "data-op": operation.index,
      "aria-label": run.operationLines(operation).join("; ")
        + (wrong ? `; ✗ ${wrong}` : ""),
      onclick: () => choose(operation.index),
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          choose(operation.index);
        }
      } },
      text("label", labelX, y + 17, `${wrong ? "✗ " : ""}${placed.label}`),
      dom.svg("rect", { class: "box", x: from, y: y + 23, width: to - from, height: 18 }),
      text("name", labelX, y + 54, words.clip(name, room)));
    tip.on(group, () => [...run.operationLines(operation),
      ...(wrong ? [`✗ ${wrong}`] : [])]);
    return group;
  }

  const faultsBetween = (from, to) =>
    run.faults.filter((f) => f.from <= to && (f.to === null || f.to >= from));

  // Draws into `place`. Returns the drawing and where things are in it, for who draws on top.
  function draw(place, { operations, wrong, from, to, byOrder, header, choose }) {
    const width = Math.max(320, place.clientWidth || 1080);
    const left = width < 500 ? 76 : width < 760 ? 92 : 150;
    const right = width - 14;
    const scale = axis(operations, byOrder, left, right);
    const there = faultsBetween(from, to);
    const faults = there.slice(0, FAULTS_MAX);
    const { lanes: all, placed, rows } = layout(operations, scale.x, left, right);
    const top = AXIS + faults.length * FAULT + 8 + header;
    const height = top + rows * ROW + 4;
    const svg = dom.svg("svg", { class: "lanes", viewBox: `0 0 ${width} ${height}`, width, height,
      role: "group", "aria-label": "The operations of the finding, a lane per process" });
    all.forEach((lane, n) => {
      const y = top + lane.first * ROW;
      const h = lane.rows * ROW;
      if (n % 2 === 0) svg.append(dom.svg("rect", { class: "lane", x: 0, y, width, height: h }));
      svg.append(text("node", 6, y + h / 2 - 2, words.clip(lane.node, Math.floor(left / 9))),
        text("process", 6, y + h / 2 + 15,
          `${left < 80 ? "proc." : "process"} ${lane.process}`));
    });
    for (const [at, step] of scale.ticks) {
      const x = scale.x(at);
      svg.append(dom.svg("line", { class: "tick", x1: x, x2: x, y1: AXIS - 6, y2: height }),
        text("time", x, 16, step === null ? words.instant(at) : words.tick(at, step)));
    }
    faults.forEach((band, n) => svg.append(fault(band, scale, n, right, height)));
    // For who draws between the lanes and the operations: no line runs over a name.
    const under = dom.svg("g");
    svg.append(under);
    const at = new Map();
    for (const one of placed) {
      const y = top + one.row * ROW;
      const group = box(one, y, wrong.get(one.operation.index), right, choose);
      at.set(one.operation.index, { ...one, y: y + 32, group });
      svg.append(group);
    }
    place.replaceChildren(svg);
    const hidden = there.length - faults.length;
    return { svg, under, at, left, right, top, height, scale, headerY: top - header, hidden };
  }

  return { draw, faultsBetween };
})();
