// The run as the page has it: operations, findings, faults. Times are nanoseconds.
const run = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const OUTCOMES = ["ok", "fail", "info"];
  const columns = data.operations;

  function unpacked() {
    const operations = new Array(columns.index.length);
    let began = 0;
    for (let place = 0; place < operations.length; place++) {
      began += columns.began[place];
      const took = columns.took[place];
      operations[place] = {
        place,
        index: columns.index[place],
        name: `op-${columns.index[place]}`,
        process: columns.process[place],
        key: columns.texts[columns.key[place]],
        node: columns.texts[columns.node[place]],
        label: columns.texts[columns.label[place]],
        error: columns.texts[columns.error[place]],
        outcome: OUTCOMES[columns.outcome[place]],
        reads: columns.kind[place] === "r",
        began,
        due: began - columns.late[place],
        took,
        // Of an unknown outcome: it may happen at any time after it began.
        ended: took === null ? null : began + took,
      };
    }
    return operations;
  }

  const operations = unpacked();
  const byIndex = new Map(operations.map((operation) => [operation.index, operation]));
  const named = new Set();
  for (const finding of data.findings) {
    for (const index of finding.operations) named.add(index);
    for (const [index] of finding.witness ? finding.witness.blocked : []) named.add(index);
  }

  // What is told of a fault on hover.
  function faultLines(fault) {
    const to = fault.to === null ? "the end" : words.instant(fault.to);
    const lines = [
      `${fault.fault} #${fault.id} on ${fault.nodes}`,
      `${fault.outcome}, ${words.instant(fault.from)} to ${to}`,
    ];
    if (fault.detail) lines.push(fault.detail);
    return lines.concat(fault.evidence);
  }

  function operationLines(operation) {
    const where = operation.node ? ` on ${operation.node}` : "";
    const key = operation.key ? `, key ${operation.key}` : "";
    const end = operation.took === null ? "no answer" : `took ${words.span(operation.took)}`;
    const lines = [
      `${operation.name}: ${operation.label}`,
      `process ${operation.process}${where}${key}`,
      `${operation.outcome}, from ${words.instant(operation.began)}, ${end}`,
    ];
    if (operation.error) lines.push(operation.error);
    return lines;
  }

  // The trace that an operation is in the system's own tracing, and where to look it up.
  function trace(operation) {
    if (!data.trace) return null;
    const id = data.trace.prefix + operation.index.toString(16).padStart(16, "0");
    const url = data.trace.url ? data.trace.url.replaceAll("{{trace}}", id) : null;
    return { id, url: /^https?:\/\//.test(url) ? url : null };
  }

  // Selecting an operation anywhere shows it everywhere.
  const listeners = [];
  let selected = null;
  function select(index) {
    selected = index;
    for (const listener of listeners) listener(index);
  }

  return {
    end: data.end,
    faults: data.faults,
    findings: data.findings,
    overview: data.overview,
    series: data.series,
    total: columns.total,
    leftOut: columns.left_out,
    operations,
    operation: (index) => byIndex.get(index),
    named,
    faultLines,
    operationLines,
    trace,
    select,
    selected: () => selected,
    onSelect: (listener) => listeners.push(listener),
  };
})();
