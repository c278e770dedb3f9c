// A canvas with time from left to right, a stack of panels, one cursor and one brush.
const timeline = (() => {
  const LEFT = 78;
  const RIGHT = 12;
  const AXIS = 26;
  // Above a panel, without its legend, and a line of that.
  const GAP = 10;
  const LINE = 16;
  const STEP = 0.2;
  const FONT = "12px system-ui, sans-serif";

  // The words of a panel's legend in as many lines as they need.
  function legendOf(context, panel, width) {
    let [at, line] = [LEFT, 0];
    const all = panel.legend.map(([text, colour]) => {
      const wide = context.measureText(text).width;
      if (at > LEFT && at + wide > width) [at, line] = [LEFT, line + 1];
      const word = { text, colour, at, line };
      at += wide + 14;
      return word;
    });
    return { words: all, lines: line + 1 };
  }

  // `panels`: [{legend: [[text, colour]], height, draw(context, area), read(time) → text}].
  function start(place, { end, panels, label, changed, clicked }) {
    const canvas = dom.el("canvas", { tabindex: 0, role: "img", "aria-label": label });
    const cursor = dom.el("div", { class: "cursor", hidden: true });
    const brush = dom.el("div", { class: "brush", hidden: true });
    const readout = dom.el("p", { class: "readout", "aria-live": "polite" });
    const stage = dom.el("div", { class: "stage" }, canvas, brush, cursor);
    const view = { from: 0, to: end };
    const width = () => canvas.clientWidth - LEFT - RIGHT;
    const x = (time) => LEFT + ((time - view.from) / (view.to - view.from)) * width();
    const time = (px) => {
      const share = Math.min(1, Math.max(0, (px - LEFT) / width()));
      return view.from + share * (view.to - view.from);
    };

    function paint() {
      const ratio = devicePixelRatio || 1;
      const context = canvas.getContext("2d");
      context.font = FONT;
      const legends = panels.map((panel) => legendOf(context, panel, canvas.clientWidth));
      const height = panels.reduce((sum, panel, n) =>
        sum + panel.height + GAP + legends[n].lines * LINE, AXIS);
      canvas.width = Math.round(canvas.clientWidth * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
      context.scale(ratio, ratio);
      context.font = FONT;
      drawAxis(context, height - AXIS);
      let top = 0;
      panels.forEach((panel, n) => {
        const from = top + GAP + legends[n].lines * LINE;
        const area = { left: LEFT, right: LEFT + width(), top: from, bottom: from + panel.height,
          x, view };
        context.textAlign = "left";
        for (const { text, colour, at, line } of legends[n].words) {
          context.fillStyle = dom.colour(colour);
          context.fillText(text, at, top + GAP + line * LINE + 8);
        }
        panel.draw(context, area);
        top = area.bottom;
      });
      canvas.dataset.from = view.from;
      canvas.dataset.to = view.to;
    }

    function drawAxis(context, top) {
      const { step, all } = words.ticks(view.from, view.to, Math.max(2, width() / 110));
      context.fillStyle = dom.colour("muted");
      context.strokeStyle = dom.colour("line");
      context.textAlign = "center";
      context.beginPath();
      for (const at of all) {
        const px = Math.round(x(at)) + 0.5;
        context.moveTo(px, GAP + LINE);
        context.lineTo(px, top + 5);
        context.fillText(words.tick(at, step), px, top + 18);
      }
      context.stroke();
    }

    function zoom(from, to) {
      const width = Math.max(1000, Math.min(end, to) - Math.max(0, from));
      view.from = Math.max(0, Math.min(from, end - width));
      view.to = Math.min(end, view.from + width);
      paint();
      changed(view);
    }
    const whole = () => zoom(0, end);

    function point(at, y) {
      cursor.hidden = false;
      cursor.style.left = `${x(at)}px`;
      const parts = panels.map((panel) => panel.read(at, y)).filter((text) => text);
      readout.textContent = [words.instant(at), ...parts].join(" · ");
    }

    let pressed = null;
    canvas.addEventListener("pointerdown", (event) => {
      pressed = event.offsetX;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      point(time(event.offsetX), event.offsetY);
      if (pressed === null || Math.abs(event.offsetX - pressed) < 4) return;
      brush.hidden = false;
      brush.style.left = `${Math.min(pressed, event.offsetX)}px`;
      brush.style.width = `${Math.abs(event.offsetX - pressed)}px`;
    });
    canvas.addEventListener("pointerup", (event) => {
      const from = pressed;
      pressed = null;
      brush.hidden = true;
      if (from === null) return;
      const [a, b] = [time(Math.min(from, event.offsetX)), time(Math.max(from, event.offsetX))];
      if (Math.abs(event.offsetX - from) >= 4) zoom(a, b);
      else clicked(event.offsetX, event.offsetY, x);
    });
    canvas.addEventListener("pointercancel", () => {
      pressed = null;
      brush.hidden = true;
    });
    canvas.addEventListener("pointerleave", () => {
      cursor.hidden = true;
      tip.hide();
    });
    canvas.addEventListener("dblclick", whole);
    const middle = () => (view.from + view.to) / 2;
    const by = (share) => {
      const part = (view.to - view.from) * share;
      zoom(view.from + part, view.to + part);
    };
    const scaled = (factor) => {
      const half = ((view.to - view.from) * factor) / 2;
      zoom(middle() - half, middle() + half);
    };
    const keys = { "+": () => scaled(0.5), "=": () => scaled(0.5), "-": () => scaled(2),
      ArrowLeft: () => by(-STEP), ArrowRight: () => by(STEP), Home: whole, Escape: whole };
    canvas.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      act();
      point(middle(), 0);
    });
    const bar = dom.el("div", { class: "bar-of-controls" },
      dom.button("Zoom in", "Half as much time (+)", () => scaled(0.5)),
      dom.button("Zoom out", "Twice as much time (-)", () => scaled(2)),
      dom.button("Whole run", "Everything (Home, or double click)", whole),
      dom.el("span", { class: "hint" }, "Drag over a chart to zoom; click a point to see it."));
    place.append(bar, stage, readout);
    addEventListener("resize", paint);
    addEventListener("beforeprint", paint);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    paint();
    return { zoom, paint, view };
  }

  return { start };
})();
