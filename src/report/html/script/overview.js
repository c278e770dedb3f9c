// The whole run: faults, throughput by outcome, latency, and what else was measured over time.
const overview = (() => {
  const NAMES = ["ok", "fail", "info"];
  const QUANTILES = [["p50", "median", 2.5], ["p95", "ink", 1.5], ["p99", "muted", 1]];
  const LINES = ["write", "median", "fail", "info", "ink"];
  const ROW = 18;
  const KINDS_MAX = 6;
  // Points drawn at once; of more, every n-th.
  const POINTS_MAX = 6000;

  const data = run.overview;
  const colours = { ok: "write", fail: "fail", info: "info" };
  let points = [];

  const kinds = () => {
    const all = [...new Set(run.faults.map((fault) => fault.fault))];
    if (all.length <= KINDS_MAX) return all;
    return [...all.slice(0, KINDS_MAX - 1), "others"];
  };
  const until = (fault) => (fault.to === null ? run.end : fault.to);
  const inView = (view, from, to) => from <= view.to && to >= view.from;

  // Shades of faults and lines of findings: behind and before everything else.
  function backdrop(context, area) {
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    context.clip();
    context.fillStyle = dom.colour("fault");
    context.globalAlpha = 0.13;
    for (const fault of run.faults) {
      if (!inView(area.view, fault.from, until(fault))) continue;
      const x = area.x(fault.from);
      const width = Math.max(2, area.x(until(fault)) - x);
      context.fillRect(x, area.top, width, area.bottom - area.top);
    }
    context.globalAlpha = 1;
    context.strokeStyle = dom.colour("wrong");
    context.lineWidth = 1.5;
    context.beginPath();
    for (const finding of run.findings) {
      const x = area.x(finding.to);
      context.moveTo(x, area.top);
      context.lineTo(x, area.bottom);
    }
    context.stroke();
    context.restore();
  }

  function clipped(context, area, draw) {
    context.save();
    context.beginPath();
    context.rect(area.left, area.top - 1, area.right - area.left, area.bottom - area.top + 2);
    context.clip();
    draw();
    context.restore();
  }

  function faultsPanel() {
    const rows = kinds();
    return {
      legend: [["▲ finding", "bad"],
        [rows.length ? "■ fault in force" : "no fault", "muted"]],
      height: rows.length * ROW + 14,
      draw(context, area) {
        rows.forEach((kind, row) => {
          const y = area.top + row * ROW;
          context.textAlign = "right";
          context.fillStyle = dom.colour("ink");
          context.fillText(words.clip(kind, 11), area.left - 8, y + 13);
          clipped(context, area, () => {
            context.fillStyle = dom.colour("fault");
            for (const fault of run.faults) {
              const other = kind === "others" && !rows.includes(fault.fault);
              if (fault.fault !== kind && !other) continue;
              if (!inView(area.view, fault.from, until(fault))) continue;
              const x = area.x(fault.from);
              context.fillRect(x, y + 3, Math.max(3, area.x(until(fault)) - x), ROW - 5);
            }
          });
        });
        clipped(context, area, () => {
          context.fillStyle = dom.colour("wrong");
          for (const finding of run.findings) {
            const x = area.x(finding.to);
            context.beginPath();
            context.moveTo(x, area.bottom - 12);
            context.lineTo(x - 6, area.bottom);
            context.lineTo(x + 6, area.bottom);
            context.fill();
          }
        });
      },
      read(time) {
        const now = run.faults.filter((f) => f.from <= time && time <= until(f));
        const names = now.slice(0, 4).map((f) => `${f.fault} #${f.id} on ${f.nodes}`);
        return names.length ? `under ${names.join(" and ")}` : "no fault";
      },
    };
  }

  // Lines and labels of a vertical axis; `y` gives pixels.
  function grid(context, area, marks, y, name) {
    context.strokeStyle = dom.colour("line");
    context.fillStyle = dom.colour("muted");
    context.lineWidth = 1;
    context.textAlign = "right";
    context.beginPath();
    for (const mark of marks) {
      context.moveTo(area.left, Math.round(y(mark)) + 0.5);
      context.lineTo(area.right, Math.round(y(mark)) + 0.5);
      context.fillText(name(mark), area.left - 8, y(mark) + 4);
    }
    context.stroke();
  }

  // Buckets of a view, joined so that a curve has at most one corner in six pixels.
  function joined(area) {
    const from = Math.max(0, Math.floor(area.view.from / data.bucket) - 1);
    const to = Math.min(data.counts[0].length, Math.ceil(area.view.to / data.bucket) + 1);
    const many = Math.max(1, Math.ceil(((to - from) * 6) / (area.right - area.left)));
    const starts = [];
    for (let n = from - (from % many); n < to; n += many) starts.push(n);
    return { starts, many };
  }

  function rates(outcome, { starts, many }) {
    return starts.map((start) => {
      let sum = 0;
      for (const count of data.counts[outcome].slice(start, start + many)) sum += count;
      const ns = many * data.bucket;
      return [start * data.bucket + ns / 2, (sum * 1e9) / ns];
    });
  }

  function line(context, area, corners, y, colour, thickness) {
    context.strokeStyle = dom.colour(colour);
    context.lineWidth = thickness;
    context.beginPath();
    let pen = false;
    for (const [time, value] of corners) {
      if (value === null) {
        pen = false;
        continue;
      }
      if (pen) context.lineTo(area.x(time), y(value));
      else context.moveTo(area.x(time), y(value));
      pen = true;
    }
    context.stroke();
  }

  const throughputPanel = {
    legend: [["Completions per second", "muted"], ["● ok", "write"], ["● fail", "fail"],
      ["● info (unknown)", "info"]],
    height: 150,
    draw(context, area) {
      backdrop(context, area);
      const groups = joined(area);
      const curves = NAMES.map((_, outcome) => rates(outcome, groups));
      const most = Math.max(1, ...curves.flat().map(([, rate]) => rate)) * 1.08;
      const y = (rate) => area.bottom - (rate / most) * (area.bottom - area.top);
      grid(context, area, words.ticks(0, most, 4).all, y, (rate) => words.count(rate));
      clipped(context, area, () => curves.forEach((curve, outcome) => {
        line(context, area, curve, y, colours[NAMES[outcome]], 2);
      }));
    },
    read(time) {
      const bucket = Math.min(data.counts[0].length - 1, Math.floor(time / data.bucket));
      return NAMES.map((name, outcome) => {
        const rate = (data.counts[outcome][bucket] * 1e9) / data.bucket;
        return `${name} ${words.count(Math.round(rate))}/s`;
      }).join(", ");
    },
  };

  function bounds() {
    let [least, most] = [Infinity, 1];
    for (const operation of run.operations) {
      const took = operation.took === null ? null : operation.ended - operation.due;
      if (took === null) continue;
      least = Math.min(least, Math.max(1, took));
      most = Math.max(most, took);
    }
    const from = 10 ** Math.floor(Math.log10(Math.min(least, most)));
    return [from, 10 ** Math.ceil(Math.log10(most * 1.01))];
  }

  const latencyPanel = {
    legend: [["Latency", "muted"], ["■ ok", "write"], ["✕ fail", "fail"], ["▲ info", "info"],
      ["— median", "median"], ["— 95 %", "ink"], ["— 99 %", "muted"],
      ["○ in a finding", "bad"]],
    height: 190,
    draw(context, area) {
      backdrop(context, area);
      const [least, most] = (this.bounds ??= bounds());
      const span = Math.log10(most / least) || 1;
      const y = (ns) => area.bottom
        - (Math.log10(Math.max(least, ns) / least) / span) * (area.bottom - area.top);
      const marks = [];
      for (let mark = least; mark <= most; mark *= 10) marks.push(Math.round(mark));
      grid(context, area, marks, y, (mark) => words.span(mark));
      clipped(context, area, () => {
        scatter(context, area, y);
        QUANTILES.forEach(([, colour, thickness], n) => {
          const corners = data.quantiles[n].map((ns, at) =>
            [(at + 0.5) * data.bucket, ns]);
          line(context, area, corners.filter(([t]) => inView(area.view, t, t)), y, colour,
            thickness);
        });
      });
    },
    read(time) {
      const bucket = Math.min(data.counts[0].length - 1, Math.floor(time / data.bucket));
      const parts = QUANTILES.map(([name], n) => [name, data.quantiles[n][bucket]]);
      const known = parts.filter(([, ns]) => ns !== null && ns !== undefined);
      return known.map(([name, ns]) => `${name} ${words.span(ns)}`).join(", ");
    },
  };

  function scatter(context, area, y) {
    const seen = run.operations.filter((o) => o.took !== null && inView(area.view, o.due, o.due));
    const every = Math.ceil(seen.length / POINTS_MAX);
    points = [];
    for (const outcome of NAMES) {
      context.fillStyle = context.strokeStyle = dom.colour(colours[outcome]);
      context.globalAlpha = outcome === "ok" ? 0.45 : 0.9;
      context.beginPath();
      seen.forEach((operation, n) => {
        if (operation.outcome !== outcome || (n % every && !run.named.has(operation.index))) return;
        const [px, py] = [area.x(operation.due), y(operation.ended - operation.due)];
        points.push([px, py, operation]);
        shape(context, outcome, px, py);
      });
      if (outcome === "fail") context.stroke();
      else context.fill();
    }
    context.globalAlpha = 1;
    context.strokeStyle = dom.colour("wrong");
    context.lineWidth = 2;
    for (const [px, py] of points.filter(([, , o]) => run.named.has(o.index))) {
      context.beginPath();
      context.arc(px, py, 6, 0, 7);
      context.stroke();
    }
  }

  function shape(context, outcome, x, y) {
    if (outcome === "ok") context.rect(x - 1.5, y - 1.5, 3, 3);
    else if (outcome === "fail") {
      context.moveTo(x - 3, y - 3);
      context.lineTo(x + 3, y + 3);
      context.moveTo(x - 3, y + 3);
      context.lineTo(x + 3, y - 3);
    } else {
      context.moveTo(x, y - 4);
      context.lineTo(x + 4, y + 3);
      context.lineTo(x - 4, y + 3);
    }
  }

  // Whatever else was measured: its lines told apart by shade and named at the cursor.
  function seriesPanel(series) {
    const values = series.lines.flatMap((one) => one.points.map(([, value]) => value));
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    const room = (high - low || 1) * 0.08;
    return {
      legend: [[series.title, "muted"],
        ...series.lines.map((one, n) => [`— ${one.name}`, LINES[n % LINES.length]])],
      height: 110,
      draw(context, area) {
        backdrop(context, area);
        const [from, to] = [low - room, high + room];
        const y = (v) => area.bottom - ((v - from) / (to - from)) * (area.bottom - area.top);
        const name = (v) => `${words.count(v)}${series.unit}`;
        grid(context, area, words.ticks(from, to, 3).all, y, name);
        clipped(context, area, () => series.lines.forEach((one, n) => {
          line(context, area, one.points, y, LINES[n % LINES.length], 2);
        }));
      },
      read(time) {
        return series.lines.slice(0, 6).map((one) => {
          const last = one.points.filter(([at]) => at <= time).pop();
          return last ? `${one.name} ${words.count(last[1])}${series.unit}` : null;
        }).filter((text) => text).join(", ");
      },
    };
  }

  function nearest(x, y) {
    let best = [144, null];
    for (const [px, py, operation] of points) {
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far < best[0]) best = [far, operation];
    }
    return best[1];
  }

  function clicked(x, y, at) {
    const operation = nearest(x, y);
    if (operation) {
      location.hash = `#${operation.name}`;
      return;
    }
    const finding = run.findings.findIndex((one) => Math.abs(at(one.to) - x) < 7);
    if (finding >= 0) showFinding(finding);
  }

  function showFinding(number) {
    const place = document.querySelector(`[data-finding="${number}"]`);
    const folded = place?.closest("details");
    if (folded) folded.open = true;
    (folded ?? document.getElementById("contradiction"))?.scrollIntoView();
  }

  // For who cannot see the charts: the same numbers in a table of a few rows.
  function table() {
    const ROWS = 12;
    const many = Math.ceil(data.counts[0].length / ROWS);
    const rows = [];
    for (let start = 0; start < data.counts[0].length; start += many) {
      const sums = data.counts.map((all) =>
        all.slice(start, start + many).reduce((sum, n) => sum + n, 0));
      const medians = data.quantiles[0].slice(start, start + many).filter((ns) => ns !== null);
      medians.sort((a, b) => a - b);
      const [from, to] = [start * data.bucket, Math.min(run.end, (start + many) * data.bucket)];
      const under = run.faults.filter((f) => f.from < to && until(f) > from);
      const cells = [`${words.instant(from)} to ${words.instant(to)}`, ...sums.map(words.count),
        medians.length ? words.span(medians[Math.floor(medians.length / 2)]) : "–",
        under.slice(0, 4).map((f) => `${f.fault} #${f.id}`).join(", ") || "none"];
      rows.push(dom.el("tr", {}, cells.map((cell) => dom.el("td", {}, cell))));
    }
    const head = ["Time", "ok", "fail", "info", "Median latency", "Faults"];
    return dom.el("details", {}, dom.el("summary", {}, "The same in numbers"),
      dom.el("div", { class: "scroll" }, dom.el("table", {},
        dom.el("thead", {}, dom.el("tr", {}, head.map((h) => dom.el("th", { scope: "col" }, h)))),
        dom.el("tbody", {}, rows))));
  }

  function start(place, changed) {
    const panels = [faultsPanel(), throughputPanel, latencyPanel, ...run.series.map(seriesPanel)];
    const label = `Throughput and latency until ${words.instant(run.end)}, `
      + `${run.faults.length} faults, ${run.findings.length} findings; in numbers below`;
    const chart = timeline.start(place, { end: run.end, panels, label, changed, clicked });
    const notes = [`Counted over ${words.span(data.bucket)}.`,
      "Orange: findings and the operations they name. Grey: a fault in force."];
    if (data.open) notes.push(`${words.count(data.open)} without any completion are not in it.`);
    if (run.leftOut) notes.push(`Points: ${words.count(run.operations.length)} of `
      + `${words.count(run.total)} operations.`);
    place.append(dom.el("p", { class: "left-out" }, notes.join(" ")), table());
    return chart;
  }

  return { start };
})();
