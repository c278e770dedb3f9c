// Makes elements. Every text goes in as text; nothing here or elsewhere parses markup.
const dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === false || value === undefined) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined) node.append(child);
    }
    return node;
  }

  // `el("p", {class: "note"}, "text", element, …)`; `onclick` and the like are listeners.
  const el = (name, attributes = {}, ...children) =>
    fill(document.createElement(name), attributes, children);
  const svg = (name, attributes = {}, ...children) =>
    fill(document.createElementNS(SVG, name), attributes, children);

  function button(text, hint, act) {
    return el("button", { type: "button", title: hint, onclick: act }, text);
  }

  // Two or more names of which one is chosen; `choose(value)` is called when another is.
  let groups = 0;
  function choice(legend, options, chosen, choose) {
    const group = `choice-${groups++}`;
    const parts = options.flatMap(([value, name]) => {
      const id = `${group}-${value}`;
      const radio = el("input", { type: "radio", name: group, id, onchange: () => choose(value) });
      radio.checked = value === chosen;
      return [radio, el("label", { for: id }, name)];
    });
    return el("fieldset", { class: "choice" }, el("legend", {}, legend), parts);
  }

  // What a style sheet calls `--name` at this moment.
  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  return { el, svg, button, choice, colour };
})();

// One box that tells about what is under the pointer or has the focus.
const tip = (() => {
  let box = null;

  function show(lines, x, y) {
    if (!box) document.body.append((box = dom.el("div", { class: "tip", role: "tooltip" })));
    box.replaceChildren(...lines.map((line) => dom.el("div", {}, line)));
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    const left = Math.min(x + 14, document.documentElement.clientWidth - width - 8);
    const above = y - height - 12;
    box.style.left = `${Math.max(8, left)}px`;
    box.style.top = `${above > 4 ? above : y + 18}px`;
  }

  function hide() {
    if (box) box.hidden = true;
  }

  // `lines` is asked each time: what it tells may change.
  function on(element, lines) {
    element.addEventListener("pointermove", (event) => {
      show(lines(), event.clientX, event.clientY);
    });
    element.addEventListener("pointerleave", hide);
    element.addEventListener("focus", () => {
      const { left, top } = element.getBoundingClientRect();
      show(lines(), left, top);
    });
    element.addEventListener("blur", hide);
  }

  return { show, hide, on };
})();
