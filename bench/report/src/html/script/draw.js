// One drawer for all charts: points with their intervals, a line or a bar a contender.

const SVG = "http://www.w3.org/2000/svg";
const FONT = 'system-ui, "DejaVu Sans", sans-serif';

const estimates = new Map(summary.estimates.map(it => [`${it.contender} ${it.scenario} ${it.metric}`, it]));
const estimate = (who, scenario, metric) => estimates.get(`${who} ${scenario} ${metric}`);
const mayBeShown = it => it.verdict === "valid" || it.verdict === "too-few-rounds";

/** A figure with its unit, to three digits. */
function figure(value, unit) {
  const scaled = (steps, base) => {
    const [size, name] = steps.find(([size]) => Math.abs(base) >= size) || steps.at(-1);
    return `${digits(base / size)} ${name}`;
  };
  if (unit === "ns") return scaled([[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]], value);
  if (unit === "B") return scaled([[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]], value);
  if (unit === "1/s") return value >= 1e4 ? `${digits(value / 1e3)}k/s` : `${digits(value)}/s`;
  return digits(value) + (unit === "1" || !unit ? "" : ` ${unit}`);
}

function digits(value) {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.0001) return value.toExponential(1);
  const after = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.001 ? 3 : 4;
  return value.toFixed(after).replace(/\.0+$|(\.\d*[1-9])0+$/, "$1");
}

/** Lines of those who are shown: points that have a figure, and why the others have none. */
function seriesOf(chart, measure) {
  return contenders.filter(it => !state.hide.has(it.name)).map(who => {
    const given = chart.points && (chart.points[who.name] || {})[measure.name];
    const points = chart.points
      ? (given || []).map(([x, y]) => ({ x, y, who, weak: chart.weak.includes(who.name) ? "not valid" : "" }))
      : chart.scenarios.map(([scenario, x]) => pointOf(who, scenario, x, measure));
    return { who, points: points.filter(it => it && it.y !== null), missing: points.filter(it => it && it.y === null) };
  });
}

function pointOf(who, scenario, x, measure) {
  const it = estimate(who.name, scenario, measure.name);
  if (!it) return null;
  // Of whoever was not served there is no figure: who was stands in the table.
  const has = it.value !== null && it.verdict !== "unserved";
  const { low, high, rounds, verdict, reason } = it;
  const weak = mayBeShown(it) ? "" : verdict;
  return { x, y: has ? it.value : null, low, high, rounds, who, scenario, weak, why: it.value === null ? reason || verdict : verdict };
}

/** What the reader is told of a point. */
function told(chart, measure, point) {
  const at = chart.x ? ` at ${place(chart, point.x)}` : "";
  const interval = point.low == null ? "" : ` (95 %: ${figure(point.low, measure.unit)} to ${figure(point.high, measure.unit)}; ${point.rounds} rounds)`;
  return `${point.who.name}${at}: ${figure(point.y, measure.unit)}${interval}${point.weak ? `, ${point.weak}` : ""}`;
}

function place(chart, x) {
  if (chart.x.percentile) return `p${Number((100 - 100 / x).toPrecision(12)).toFixed(Math.max(0, Math.ceil(Math.log10(x)) - 1)).replace(/\.0+$/, "")}`;
  return `${digits(x)} ${chart.x.title.split(" (")[0].split(" that")[0]}`;
}

function ticks(low, high, log) {
  if (log) {
    const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high));
    const steps = to - from > 3 ? [1] : [1, 2, 5];
    const some = [];
    for (let power = from; power <= to; power++) for (const step of steps) some.push(step * 10 ** power);
    const first = some.filter(it => it <= low * 1.0001).at(-1) ?? some[0];
    const last = some.find(it => it >= high * 0.9999) ?? some.at(-1);
    return some.filter(it => it >= first && it <= last);
  }
  const rough = (high || 1) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find(it => it * power >= rough);
  return Array.from({ length: Math.ceil(high / step - 1e-9) + 1 || 2 }, (_, index) => index * step);
}

/** A value's place between two ends. */
function scale(low, high, from, to, log) {
  const share = value => log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return value => from + (to - from) * (high > low ? share(value) : 0.5);
}

/** The page's colours, read once until something changes: to ask for them is dear while a page is being made. */
let palette = null;
whenChanged(() => { palette = null; });

function colours() {
  if (palette) return palette;
  const style = getComputedStyle(root);
  const named = name => style.getPropertyValue(`--${name}`).trim();
  return palette = { paper: named("paper"), ink: named("ink"), soft: named("soft"), rule: named("rule") };
}

/** A sheet to draw on, and a function that puts an element on it. */
function sheet(width, height, title) {
  const { paper } = colours();
  const svg = document.createElementNS(SVG, "svg");
  const put = (tag, attributes, text) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    svg.append(element);
    return element;
  };
  for (const [name, value] of Object.entries({
    xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, "font-family": FONT, "font-size": 13,
  })) svg.setAttribute(name, value);
  put("title", {}, title);
  put("rect", { width, height, fill: paper });
  return { svg, put };
}

/** A text above a chart, broken where the sheet ends; the height it takes. */
function heading(put, width, lines) {
  const { ink, soft } = colours();
  let y = 8;
  lines.forEach((line, index) => {
    const size = index === 0 ? 20 : 12;
    const most = Math.floor((width - 32) / (size * 0.56));
    for (const part of line.match(new RegExp(`.{1,${most}}(\\s|$)|\\S+`, "g")) || []) {
      y += size * 1.35;
      put("text", { x: 16, y, "font-size": size, fill: index === 0 ? ink : soft, "font-weight": index === 0 ? 600 : 400 }, part.trim());
    }
  });
  return y + 12;
}

const MARKERS = [
  (x, y, r) => `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`,
  (x, y, r) => `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (x, y, r) => `M${x},${y - r * 1.3}l${r * 1.3},${r * 2.2}h${-r * 2.6}z`,
  (x, y, r) => `M${x},${y - r * 1.4}l${r * 1.4},${r * 1.4}l${-r * 1.4},${r * 1.4}l${-r * 1.4},${-r * 1.4}z`,
];
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

function marker(put, point, filled) {
  const { who, px, py } = point;
  put("path", { d: MARKERS[who.member % 4](px, py, 4.5), fill: filled ? who.colour : colours().paper, stroke: who.colour, "stroke-width": 1.5 });
}

function whisker(put, colour, [x1, y1], [x2, y2]) {
  const across = x1 === x2 ? [3, 0] : [0, 3];
  put("path", { d: `M${x1},${y1}L${x2},${y2}` + [[x1, y1], [x2, y2]].map(([x, y]) => `M${x - across[0]},${y - across[1]}L${x + across[0]},${y + across[1]}`).join(""), stroke: colour, fill: "none" });
}

/** A line a contender. The points that were drawn are returned with their places. */
function drawLines(chart, measure, { width, head, log, title }) {
  const height = Math.round(Math.min(440, Math.max(300, width * 0.5))), roomy = width >= 620;
  const { ink, soft, rule, paper } = colours();
  const { svg, put } = sheet(width, height, title);
  const top = head ? heading(put, width, head) + 22 : 28;
  const tall = head ? height + top - 28 : height;
  if (head) { svg.setAttribute("viewBox", `0 0 ${width} ${tall}`); svg.setAttribute("height", tall); svg.querySelector("rect").setAttribute("height", tall); }
  const lines = seriesOf(chart, measure);
  const beside = measure.beside ? seriesOf(chart, { ...measure, name: measure.beside }) : [];
  const points = [...lines, ...beside].flatMap(it => it.points).filter(it => !log || it.y > 0);
  put("text", { x: 8, y: top - 14, fill: soft }, `${measure.title}${log ? ", logarithmic" : ""}`);
  if (!points.length) return nothing(put, svg, width, tall, soft);
  const ends = points.flatMap(it => [it.y, it.low ?? it.y, it.high ?? it.y]).filter(it => !log || it > 0);
  const marks = ticks(Math.min(...ends), Math.max(...ends), log);
  const left = 74, right = width - (roomy ? 180 : 16), bottom = tall - 52;
  const y = scale(marks[0], marks.at(-1), bottom, top, log);
  const xs = points.map(it => it.x);
  const x = scale(Math.min(...xs), Math.max(...xs), left + 10, right - 10, chart.x.log);
  for (const tick of marks) {
    put("path", { d: `M${left},${y(tick)}H${right}`, stroke: tick === 0 ? soft : rule });
    put("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end", fill: soft }, figure(tick, measure.unit));
  }
  drawPlaces(put, chart, xs, x, [bottom, soft]);
  put("text", { x: (left + right) / 2, y: tall - 10, "text-anchor": "middle", fill: soft }, chart.x.title);
  for (const { points } of beside) path(put, points, x, y, { "stroke-width": 1.2, "stroke-dasharray": "4 3" }, log);
  const drawn = [];
  for (const { who, points } of lines) {
    const kept = points.filter(it => !log || it.y > 0);
    path(put, kept, x, y, { "stroke-width": 2.2, "stroke-dasharray": DASHES[who.member % 4] }, log);
    for (const point of kept) {
      Object.assign(point, { px: x(point.x), py: y(point.y) });
      if (point.low != null && (!log || point.low > 0)) whisker(put, ink, [point.px, y(point.low)], [point.px, y(point.high)]);
      if (kept.length <= 16) marker(put, point, !point.weak);
      drawn.push(point);
    }
  }
  if (roomy) nameEnds(put, lines, drawn, { x: right, top, bottom, ink });
  return { svg, drawn };
}

function nothing(put, svg, width, height, soft) {
  put("text", { x: width / 2, y: height / 2, "text-anchor": "middle", fill: soft }, "nobody who is shown has this figure");
  return { svg, drawn: [] };
}

function path(put, points, x, y, how, log) {
  const kept = points.filter(it => !log || it.y > 0);
  if (kept.length < 2) return;
  put("path", { d: kept.map((it, index) => `${index ? "L" : "M"}${x(it.x).toFixed(1)},${y(it.y).toFixed(1)}`).join(""), stroke: kept[0].who.colour, fill: "none", "stroke-linejoin": "round", ...how });
}

/** Labels below: the places themselves where they are few, else round numbers; never closer than they are wide. */
function drawPlaces(put, chart, xs, x, [bottom, soft]) {
  let some = [...new Set(xs)].sort((a, b) => a - b);
  const [low, high] = [some[0], some.at(-1)];
  if (chart.x.percentile) some = [2, 10, 100, 1e3, 1e4, 1e5, 1e6].filter(it => it >= low && it <= high * 1.001);
  else if (some.length > 12) some = ticks(low, high, chart.x.log).filter(it => it >= low && it <= high);
  let last = -Infinity;
  for (const value of some) {
    const text = chart.x.percentile ? place(chart, value) : digits(value);
    if (x(value) - last < text.length * 8 + 8) continue;
    last = x(value);
    put("path", { d: `M${last},${bottom}v6`, stroke: soft });
    put("text", { x: last, y: bottom + 20, "text-anchor": "middle", fill: soft }, text);
  }
}

/** Names at the ends of lines, moved apart where they would overlap. */
function nameEnds(put, lines, drawn, { x, top, bottom, ink }) {
  const ends = lines.map(it => drawn.filter(point => point.who === it.who).at(-1)).filter(Boolean).sort((a, b) => a.py - b.py);
  const step = Math.min(17, (bottom - top) / Math.max(1, ends.length - 1));
  let at = -Infinity;
  const places = ends.map(it => (at = Math.max(at + step, it.py)));
  const over = Math.max(0, (places.at(-1) ?? 0) - bottom);
  for (let index = places.length - 1, most = bottom; over && index >= 0; index--, most -= step) places[index] = Math.min(places[index], most);
  ends.forEach((end, index) => {
    put("path", { d: `M${end.px + 6},${end.py}L${x + 6},${places[index]}`, stroke: end.who.colour, opacity: 0.4 });
    put("path", { d: MARKERS[end.who.member % 4](x + 14, places[index], 4), fill: end.who.colour });
    put("text", { x: x + 24, y: places[index] + 4, fill: ink, "font-size": 12 }, end.who.name.length > 21 ? `${end.who.name.slice(0, 20)}…` : end.who.name);
  });
}

/** A bar a contender, the best first; logarithmic a dot, for a bar needs its zero. */
function drawBars(chart, measure, { width, head, log, title }) {
  const { ink, soft, rule } = colours();
  const rows = seriesOf(chart, measure).flatMap(it => it.points).filter(it => !log || it.y > 0);
  rows.sort((a, b) => Number(Boolean(a.weak)) - Number(Boolean(b.weak)) || a.y - b.y);
  const parts = log ? [] : (measure.parts || []);
  const { svg, put } = sheet(width, 100, title);
  let top = head ? heading(put, width, head) : 8;
  put("text", { x: 8, y: top + 12, fill: soft }, `${measure.title}${log ? ", logarithmic" : ""}`);
  top = legendOf(put, measure, parts, width, top + 22);
  const narrow = width < 560, left = narrow ? 12 : 190, pitch = narrow ? 44 : 30, right = width - (narrow ? 84 : 150);
  const bottom = top + 12 + Math.max(1, rows.length) * pitch, height = bottom + 34;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  svg.querySelector("rect").setAttribute("height", height);
  if (!rows.length) return nothing(put, svg, width, height, soft);
  const pieces = new Map(rows.map(row => [row, piecesOf(chart, measure, parts, row)]));
  const reach = row => pieces.get(row).reduce((sum, it) => sum + it.value, 0);
  const values = rows.flatMap(it => [it.y, it.high ?? it.y, log ? it.low || it.y : reach(it)]);
  const marks = ticks(Math.min(...values), Math.max(...values), log);
  const x = scale(marks[0], marks.at(-1), left, right, log);
  let last = -Infinity;
  for (const tick of marks) {
    put("path", { d: `M${x(tick)},${top}V${bottom}`, stroke: rule });
    const text = figure(tick, measure.unit);
    if (x(tick) - last > text.length * 8) put("text", { x: x(tick), y: bottom + 18, "text-anchor": "middle", fill: soft }, text), last = x(tick);
  }
  rows.forEach((row, index) => {
    const y = top + 12 + index * pitch + (narrow ? 18 : 0), middle = y + 9;
    put("text", { x: narrow ? left : left - 10, y: narrow ? y - 4 : middle + 4, "text-anchor": narrow ? "start" : "end", fill: ink }, row.who.name);
    let from = 0;
    for (const { value, colour } of log ? [] : pieces.get(row)) {
      put("rect", { x: x(from), y, width: Math.max(0, x(from + value) - x(from)), height: 18, fill: row.weak ? "none" : colour, stroke: row.weak ? colour : "none" });
      from += value;
    }
    Object.assign(row, { px: x(row.y), py: middle });
    if (log) marker(put, row, !row.weak);
    if (row.low != null && (!log || row.low > 0)) whisker(put, ink, [x(row.low), middle], [x(row.high), middle]);
    const end = x(Math.max(row.high ?? row.y, log ? row.y : from)) + 8;
    put("text", { x: end, y: middle + 4, fill: ink }, figure(row.y, measure.unit) + (row.weak && !narrow ? `, ${row.weak}` : ""));
  });
  return { svg, drawn: rows };
}

/** The pieces of a bar: the whole in the contender's colour, or its parts, as far as they are known. */
function piecesOf(chart, measure, parts, row) {
  const known = parts.map(part => ({ ...part, value: estimate(row.who.name, row.scenario, part.name)?.value ?? null }));
  const some = known.filter(it => it.value !== null && it.value > 0);
  const sum = some.reduce((sum, it) => sum + it.value, 0);
  if (!some.length || (measure.share && known.some(it => it.value === null))) return [{ value: row.y, colour: row.who.colour }];
  if (measure.share) return some.map(it => ({ ...it, value: row.y * it.value / sum }));
  // A part that is not known is no reason for a shorter bar.
  const lacks = measure.rest || known.some(it => it.value === null);
  return lacks && row.y > sum ? [...some, { value: row.y - sum, colour: "#b4b8bf" }] : some;
}

function legendOf(put, measure, parts, width, y) {
  const { ink } = colours();
  let x = 8;
  const named = [...parts, ...(parts.length && measure.rest ? [{ title: measure.rest, colour: "#b4b8bf" }] : [])];
  for (const { title, colour } of named) {
    const wide = title.length * 7.5 + 34;
    if (x + wide > width) { x = 8; y += 20; }
    put("rect", { x, y: y - 1, width: 12, height: 12, fill: colour });
    put("text", { x: x + 18, y: y + 10, fill: ink }, title);
    x += wide;
  }
  return named.length ? y + 20 : y;
}

