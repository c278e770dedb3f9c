// The list of runs: hides and orders rows; what was chosen stays in the address.
(() => {
  const table = document.getElementById("runs");
  if (!table) return;
  const body = table.tBodies[0];
  const form = document.getElementById("filters");
  const said = form.querySelector("output");
  const fields = [...form.querySelectorAll("[name]")];
  const numbers = new Set(["findings", "faults", "operations", "length"]);
  const rows = [...body.rows].map((row) => ({
    row,
    data: row.dataset,
    text: row.textContent.toLowerCase(),
    anomalies: row.dataset.anomaly.split("\n"),
    faults: row.dataset.fault.split("\n"),
  }));
  let order = { by: "began", down: true };
  // Laying out thousands of rows takes longer than anybody waits for a letter typed.
  const AT_FIRST = 200;
  let most = AT_FIRST;
  const more = dom.button("", "Show the others too", () => {
    most = rows.length;
    filter();
  });
  table.after(more);

  function matches(run, wanted) {
    const day = run.data.began.slice(0, 10);
    return wanted.q.toLowerCase().split(/\s+/).every((word) => run.text.includes(word))
      && (!wanted.test || run.data.test === wanted.test)
      && (!wanted.verdict || run.data.verdict === wanted.verdict)
      && (!wanted.anomaly || run.anomalies.includes(wanted.anomaly))
      && (!wanted.fault || run.faults.includes(wanted.fault))
      && (!wanted.from || day >= wanted.from)
      && (!wanted.to || day <= wanted.to);
  }

  function remember(wanted) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
    if (order.by !== "began" || !order.down) query.set("sort", (order.down ? "-" : "") + order.by);
    const text = query.toString();
    history.replaceState(null, "", text ? `?${text}` : location.pathname);
  }

  function filter() {
    const wanted = Object.fromEntries(fields.map((field) => [field.name, field.value]));
    let shown = 0;
    for (const run of rows) {
      const hit = matches(run, wanted);
      if (hit) shown++;
      const seen = hit && shown <= most;
      if (run.row.hidden === seen) run.row.hidden = !seen;
      if (seen && run.row.className) run.row.className = "";
    }
    const count = (number) => number.toLocaleString("en-US");
    said.textContent = `${count(shown)} of ${count(rows.length)} runs`;
    more.hidden = shown <= most;
    more.textContent = `Show ${count(Math.max(0, shown - most))} more`;
    remember(wanted);
  }

  function sort() {
    const { by, down } = order;
    const value = numbers.has(by) ? (run) => Number(run.data[by]) : (run) => run.data[by];
    const sign = down ? -1 : 1;
    const compare = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
    rows.sort((a, b) => sign * compare(a, b));
    body.append(...rows.map((run) => run.row));
    for (const head of table.querySelectorAll("th[data-sort]")) {
      const chosen = head.dataset.sort === by;
      if (chosen) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  for (const head of table.querySelectorAll("th[data-sort]")) {
    const by = head.dataset.sort;
    head.replaceChildren(dom.button(head.textContent, "Sort by this", () => {
      order = { by, down: order.by === by ? !order.down : numbers.has(by) || by === "began" };
      sort();
      filter();
    }));
  }

  // Two at a time can be compared.
  const submit = document.querySelector("#compare button");
  function choose() {
    const chosen = table.querySelectorAll("input:checked").length;
    submit.disabled = chosen !== 2;
    for (const box of table.querySelectorAll("input[type=checkbox]")) {
      box.disabled = chosen === 2 && !box.checked;
    }
  }
  table.addEventListener("change", choose);

  const asked = new URLSearchParams(location.search);
  for (const field of fields) if (asked.has(field.name)) field.value = asked.get(field.name);
  const wish = asked.get("sort") || "-began";
  if (wish !== "-began") {
    order = { by: wish.replace(/^-/, ""), down: wish.startsWith("-") };
    if (!table.querySelector(`th[data-sort="${CSS.escape(order.by)}"]`)) order.by = "began";
    sort();
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  choose();
  filter();
})();
