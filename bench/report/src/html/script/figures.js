// What stands around a chart: which figure, linear or logarithmic, the value under the pointer, copies and files.

function quoted(field) {
  const text = field == null ? "" : String(field);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const HEAD = ["contender", "family", "scenario", "x", "metric", "unit", "value", "low", "high", "rounds", "verdict", "reason"];

/** The figures of a picture that is not drawn anew; one of everybody's has no one's but those that it draws. */
function stillRows(name) {
  const { rows, scenarios = [], metrics = [] } = stills[name] || {};
  if (rows) return rows;
  const drawn = new Set(all(`#chart-${CSS.escape(name)} .card [data-contender]`).map(it => it.dataset.contender));
  return summary.estimates.filter(it => scenarios.includes(it.scenario) && metrics.includes(it.metric) && !state.hide.has(it.contender) && (!drawn.size || drawn.has(it.contender))).map(it =>
    [it.contender, it.family, it.scenario, "", it.metric, it.unit, it.value, it.low, it.high, it.rounds, it.verdict, it.reason]);
}

/** The figures of a chart, one a line. */
function rowsOf(view) {
  return view.chart
    ? view.chart.measures.flatMap(measure => seriesOf(view.chart, measure).flatMap(line => [...line.points, ...line.missing].map(it =>
      [it.who.name, it.who.family, it.scenario ?? view.chart.scenarios[0][0], it.x, measure.name, measure.unit, it.y, it.low, it.high, it.rounds, it.weak || "valid", it.y === null ? it.why : ""])))
    : stillRows(view.name);
}

const csvOf = view => [HEAD, ...rowsOf(view)].map(row => row.map(quoted).join(",")).join("\n") + "\n";

/** The same figures to be read: the chart in words. Made when it is opened, for a page has tens of thousands of cells. */
function tabling(view) {
  const box = make("div", { class: "box", tabindex: 0 });
  const folded = make("details", { class: "data" }, make("summary", {}, "Its data as a table"), box);
  const fill = () => {
    if (!folded.open) return;
    const rows = rowsOf(view);
    // A column that is empty everywhere says nothing.
    const used = HEAD.map((_, column) => column).filter(column => rows.some(row => row[column] != null && row[column] !== ""));
    const cells = row => used.map(column => column ? make("td", {}, tabled(row, column)) : make("th", { scope: "row" }, row[0]));
    box.replaceChildren(make("table", { "aria-label": `data of ${view.title}` },
      make("thead", {}, make("tr", {}, ...used.map(column => make("th", { scope: "col" }, HEAD[column])))),
      make("tbody", {}, ...rows.map(row => make("tr", {}, ...cells(row))))));
  };
  folded.addEventListener("toggle", fill);
  whenChanged(fill);
  return folded;
}

/** Values with their unit, as everywhere; what is missing is a dash. */
function tabled(row, column) {
  const value = row[column];
  if (value == null || value === "") return "\u2013";
  return ["value", "low", "high"].includes(HEAD[column]) ? figure(value, row[HEAD.indexOf("unit")]) : String(value);
}

/** The chart as it is seen, complete in itself: with its title, under which conditions, on which machine. */
function svgOf(view) {
  if (!view.chart) return view.still.outerHTML;
  return new XMLSerializer().serializeToString(view.draw(960, view.captions()).svg);
}

function pngOf(view) {
  const text = svgOf(view);
  const picture = new Image();
  return new Promise((resolve, reject) => {
    picture.onload = () => {
      const canvas = make("canvas", { width: 1920, height: Math.round(1920 * picture.height / picture.width) });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(blob => (blob ? resolve(blob) : reject(new Error("no picture came of it"))), "image/png");
    };
    picture.onerror = () => reject(new Error("the picture cannot be read"));
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
}

const FORMATS = {
  SVG: { type: "image/svg+xml", made: async view => new Blob([svgOf(view)], { type: "image/svg+xml" }), asText: svgOf },
  PNG: { type: "image/png", made: pngOf },
  CSV: { type: "text/csv", made: async view => new Blob([csvOf(view)], { type: "text/csv" }), asText: csvOf },
};

async function copy(view, format) {
  const { asText, made } = FORMATS[format];
  if (asText) await navigator.clipboard.writeText(asText(view));
  else await navigator.clipboard.write([new ClipboardItem({ "image/png": made(view) })]);
  return `${format} copied`;
}

async function save(view, format) {
  const address = URL.createObjectURL(await FORMATS[format].made(view));
  make("a", { href: address, download: `${view.name}.${format.toLowerCase()}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  return `${view.name}.${format.toLowerCase()} saved`;
}

function taking(view) {
  const button = (word, act, format) => make("button", {
    type: "button", "aria-label": `${word} ${format}: ${view.title}`,
    click: async () => {
      try { view.say(await act(view, format)); } catch (problem) { view.say(`${word} ${format}: ${problem.message}`); }
    },
  }, `${word} ${format}`);
  const formats = Object.keys(FORMATS);
  return make("details", { class: "take" }, make("summary", {}, "Copy or save"),
    make("div", {}, ...formats.map(it => button("Copy", copy, it)), ...formats.map(it => button("Save", save, it))));
}

/** Which figure, and on which scale. */
function choosing(view) {
  const { chart, name } = view;
  const select = make("select", { "aria-label": `Figure of ${view.title}`, change: () => { state.by.set(name, select.value); changed(); } },
    ...chart.measures.map(it => make("option", { value: it.name }, it.title)));
  const log = make("button", {
    type: "button", class: "log", "aria-label": `log scale of ${view.title}`,
    click: () => { state.scale.set(name, view.isLog() ? "linear" : "log"); changed(); },
  }, "log");
  whenChanged(() => { select.value = view.measure().name; log.setAttribute("aria-pressed", view.isLog()); });
  return [select, log];
}

/** Puts a ring around a point and says what it is. */
function point(view, at) {
  view.svg.querySelector(".here")?.remove();
  view.at = at;
  if (!at) { view.tip.hidden = true; return; }
  const ring = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries({ class: "here", cx: at.px, cy: at.py, r: 8, fill: "none", stroke: colours().ink, "stroke-width": 2 })) ring.setAttribute(name, value);
  view.svg.append(ring);
  const text = told(view.chart, view.measure(), at);
  view.say(text);
  view.tip.textContent = text;
  view.tip.hidden = false;
  const most = view.plot.clientWidth - view.tip.offsetWidth - 4;
  view.tip.style.left = `${Math.max(0, Math.min(most, at.px + 14))}px`;
  view.tip.style.top = `${Math.max(0, at.py - view.tip.offsetHeight - 12)}px`;
}

function nearest(view, event) {
  const box = view.svg.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  // A bar is met anywhere along its row.
  const far = it => view.chart.kind === "bars" ? Math.abs(it.py - y) : Math.hypot(it.px - x, it.py - y);
  return view.drawn.reduce((best, it) => (!best || far(it) < far(best) ? it : best), null);
}

/** Along a line by left and right, to the next one above or below by up and down. */
function moved(view, key) {
  const { at, drawn, chart } = view;
  if (!at) return drawn[0] || null;
  const bars = chart.kind === "bars";
  const along = key === "ArrowLeft" || key === "ArrowRight";
  const others = bars ? drawn : along ? drawn.filter(it => it.who === at.who) : drawn.filter(it => it.x === at.x).sort((a, b) => a.py - b.py);
  const step = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  return others[Math.max(0, Math.min(others.length - 1, others.indexOf(at) + step))];
}

function reading(view) {
  const { plot } = view;
  plot.addEventListener("pointermove", event => point(view, nearest(view, event)));
  plot.addEventListener("pointerdown", event => point(view, nearest(view, event)));
  plot.addEventListener("pointerleave", () => point(view, null));
  plot.addEventListener("blur", () => point(view, null));
  plot.addEventListener("keydown", event => {
    if (event.key === "Escape") point(view, null);
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    point(view, moved(view, event.key));
  });
}

/** Who is not in the chart, each reason once. */
function absent(view) {
  const lines = seriesOf(view.chart, view.measure());
  const nobody = view.chart.points ? lines.filter(it => !it.points.length).map(it => [it.who.name, "no such points"])
    : lines.flatMap(it => it.missing.map(point => [point.scenario === view.chart.scenarios[0][0] && view.chart.scenarios.length === 1 ? it.who.name : `${it.who.name} (${point.scenario})`, point.why]));
  const reasons = new Map();
  for (const [who, why] of nobody) reasons.set(why, [...(reasons.get(why) || []), who]);
  return reasons.size ? `Not drawn: ${[...reasons].map(([why, who]) => `${who.join(", ")}: ${why}`).join("; ")}.` : "";
}

const sectionTitle = scenario => all("section[data-scenario]").find(it => it.dataset.scenario === scenario)?.querySelector("h2").textContent ?? scenario;

/** All plots are as wide as each other: one is asked, for each question has the page laid out anew. */
let wide = 0;
whenChanged(() => { wide = 0; });
const plotWidth = plot => (wide ||= plot.clientWidth || 960);

function chartView(box) {
  const { chart: name, scenario } = box.dataset;
  const card = box.querySelector(".card"), title = box.querySelector("h2, h3").textContent;
  const said = make("output", { class: "said" });
  const view = { name, scenario, title, box, chart: charts[name], still: card.querySelector("svg"), drawn: [], at: null, say: text => { said.textContent = text; } };
  if (!view.chart) {
    const parts = all("[data-contender]", view.still);
    whenChanged(() => parts.forEach(it => it.setAttribute("display", state.hide.has(it.dataset.contender) ? "none" : "inline")));
    card.after(make("div", { class: "tools" }, taking(view)), said);
    box.append(tabling(view));
    return;
  }
  const { chart } = view;
  view.measure = () => chart.measures.find(it => it.name === state.by.get(name)) || chart.measures[0];
  view.isLog = () => (state.scale.get(name) || (chart.log ? "log" : "linear")) === "log";
  view.draw = (width, head) => (chart.kind === "bars" ? drawBars : drawLines)(chart, view.measure(), { width, head, log: view.isLog(), title: `${title}: ${view.measure().title}` });
  view.heading = () => view.measure() === chart.measures[0] ? title : `${view.measure().title}, ${chart.kind === "lines" ? `by ${chart.x.title.split(/ \(|:/)[0]}` : "by contender"}${scenario ? `: ${sectionTitle(scenario)}` : ""}`;
  view.captions = () => [view.heading(), ...all(".card text", box).map(it => it.textContent.trim()).filter(it => / rounds?[,;]| rounds?$|fiveways \d/.test(it)).slice(0, 4)];
  view.plot = make("div", { class: "plot", tabindex: 0, role: "group", "aria-label": `${title}: arrow keys read its values` });
  view.tip = make("div", { class: "tip", hidden: "", "aria-hidden": "true" });
  const left = make("p", { class: "absent" });
  card.before(make("div", { class: "tools" }, ...choosing(view), taking(view)), view.plot, said, left);
  box.append(tabling(view));
  card.hidden = true;
  const redraw = () => {
    if (box.hidden) return;
    box.querySelector("h2, h3").textContent = view.heading();
    Object.assign(view, view.draw(plotWidth(view.plot), null), { at: null });
    view.plot.replaceChildren(view.svg, view.tip);
    view.tip.hidden = true;
    left.textContent = absent(view);
  };
  whenChanged(redraw);
  reading(view);
}

all("figure[data-chart]").forEach(chartView);
readAddress();
show();
let before = innerWidth;
addEventListener("resize", () => { if (innerWidth !== before) { before = innerWidth; show(); } });
goToAnchor();
// The page is there: now the rest of it, so that it is found, printed and photographed as a whole.
addEventListener("load", () => (window.requestIdleCallback || setTimeout)(() => {
  root.classList.remove("opening");
  goToAnchor();
}));
