// Fills the places of the page.
(() => {
  const drawn = new Set();
  function draw(place) {
    if (drawn.has(place)) return;
    drawn.add(place);
    const number = Number(place.dataset.finding);
    const finding = run.findings[number];
    if (finding.cycle) cycle.start(place, finding, number);
    else order.start(place, finding);
  }

  const table = document.getElementById("all-operations");
  if (table) operations.start(table);
  for (const place of document.querySelectorAll("[data-finding]")) {
    const folded = place.closest("details");
    // What is folded away has no width to draw in.
    if (folded) folded.addEventListener("toggle", () => folded.open && draw(place));
    else draw(place);
  }
  const charts = document.getElementById("overview");
  if (charts) overview.start(charts, (view) => operations.between(view.from, view.to));
  document.documentElement.dataset.ready = "true";
})();
