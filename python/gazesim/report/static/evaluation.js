"use strict";
// The report of an evaluation: tables and curves.

function scoreText(cell) {
  if (cell.mean === null) return "–";
  const spread = cell.std === null ? "" : ` ± ${cell.std.toFixed(3)}`;
  return `${cell.mean.toFixed(3)}${spread}${cell.n < cell.of ? ` (${cell.n} of ${cell.of})` : ""}`;
}

function dot(data, method) {
  const mark = make("span", { class: "dot", "aria-hidden": "true" });
  mark.style.background = data.colours[method % data.colours.length];
  return mark;
}

function scoreTable(data, table) {
  const names = ["labels", "method", "n", ...table.metrics.map((name) => `${name} ${data.lower.includes(name) ? "↓" : "↑"}`)];
  const head = make("tr", {}, ...names.map((name) => make("th", { scope: "col", class: name === "method" ? "left" : "" }, name)));
  const rows = table.lines.map((line) => {
    const count = Math.max(...line.cells.map((cell) => cell.of));
    const cells = line.cells.map((cell) => make("td", cell.best ? { class: "best" } : {}, scoreText(cell)));
    const method = make("th", { scope: "row" }, dot(data, line.method), table.methods[line.method]);
    return make("tr", {}, make("td", {}, `${Number((100 * line.fraction).toPrecision(6))} %`), method,
      make("td", {}, String(count)), ...cells);
  });
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

function scoreCurve(data, table, curve) {
  const words = `${curve.metric} by share of labels; the table holds the numbers`;
  const legend = make("span", { class: "key" }, ...table.methods.map((name, at) => {
    const entry = make("span", {}, dot(data, at), name);
    entry.style.marginRight = "16px";
    return entry;
  }));
  return make("figure", { class: "card" }, make("figcaption", {}, curve.metric, legend),
    make("div", { id: curve.target, role: "img", "aria-label": words }));
}

async function startEvaluation() {
  const data = reportData();
  byId("title").textContent = data.title;
  for (const table of data.tables) {
    const region = { class: "card scroll", tabindex: "0", role: "region", "aria-label": `Scores: ${table.protocol}` };
    const section = make("section", {}, make("h2", {}, table.protocol), make("div", region, scoreTable(data, table)));
    const curves = make("div", { class: "charts even" }, ...table.curves.map((curve) => scoreCurve(data, table, curve)));
    if (table.curves.length) section.append(curves);
    byId("tables").append(section);
  }
  byId("maps").hidden = data.maps === null;
  if (data.maps !== null) byId("maps-picture").src = data.maps;
  await embedFigures(Object.values(data.figures));
  document.documentElement.dataset.ready = "yes";
}

startEvaluation();
