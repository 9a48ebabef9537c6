// What the reader chose, kept in the address behind `?` after the anchor, so that a link shows the same page:
// #rr-50?hide=iterative&without=idle-100&by=chart:measure&scale=chart:log&sort=rr-50:2:descending&theme=dark

const read = id => JSON.parse(document.getElementById(id).textContent);
const summary = read("summary");
const { contenders, charts, stills } = read("redrawn");
const root = document.documentElement;

const state = { hide: new Set(), without: new Set(), by: new Map(), scale: new Map(), sort: new Map(), theme: "" };
const listeners = [];
const whenChanged = listener => listeners.push(listener);

const all = (selector, under = document) => [...under.querySelectorAll(selector)];

/** An element with attributes and children; functions are listeners, `false` leaves an attribute out. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function anchor() {
  return decodeURIComponent(location.hash.slice(1).split("?")[0]);
}

function written() {
  const query = new URLSearchParams();
  for (const name of ["hide", "without"]) if (state[name].size) query.set(name, [...state[name]].join(","));
  for (const name of ["by", "scale", "sort"])
    for (const [key, value] of state[name]) query.append(name, `${key}:${value}`);
  if (state.theme) query.set("theme", state.theme);
  return query.size ? `?${query}` : "";
}

/** Takes the state from the address; what it names and the page does not know is ignored. */
function readAddress() {
  const [, text = ""] = location.hash.split("?");
  const query = new URLSearchParams(text);
  const list = name => (query.get(name) || "").split(",").filter(Boolean);
  state.hide = new Set(list("hide").filter(name => contenders.some(it => it.name === name)));
  state.without = new Set(list("without"));
  for (const name of ["by", "scale", "sort"]) {
    const pairs = query.getAll(name).filter(it => it.includes(":"));
    state[name] = new Map(pairs.map(it => [it.slice(0, it.indexOf(":")), it.slice(it.indexOf(":") + 1)]));
  }
  state.theme = ["light", "dark"].includes(query.get("theme")) ? query.get("theme") : "";
}

function show() {
  if (state.theme) root.dataset.theme = state.theme;
  else delete root.dataset.theme;
  for (const listener of listeners) listener();
}

/** The reader chose something: it is put into the address, and shown. */
function changed() {
  history.replaceState(null, "", `#${encodeURIComponent(anchor())}${written()}`);
  show();
}

function goToAnchor() {
  const target = anchor() && document.getElementById(anchor());
  if (target) target.scrollIntoView();
}

addEventListener("hashchange", () => {
  // A link within the page names only its anchor: what was chosen stays.
  if (location.hash.includes("?")) {
    readAddress();
    show();
    goToAnchor();
  } else history.replaceState(null, "", `#${encodeURIComponent(anchor())}${written()}`);
});

const isDark = () => (state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

