// The bar above the page, and tables: whom to show, which scenarios, light or dark, sorted by which column.

function choices(title, items, set) {
  const boxes = items.map(({ name, label, key }) => {
    const box = make("input", {
      type: "checkbox", value: name,
      change: () => { set()[box.checked ? "delete" : "add"](name); changed(); },
    });
    return { name, box, label: make("label", {}, box, ...(key ? [key] : []), ` ${label}`) };
  });
  const every = (word, chosen) => make("button", {
    type: "button",
    click: () => { for (const it of items) set()[chosen ? "delete" : "add"](it.name); changed(); },
  }, word);
  const head = make("summary");
  const group = make("fieldset", {}, make("legend", {}, title), every("all", true), every("none", false), ...boxes.map(it => it.label));
  whenChanged(() => {
    for (const it of boxes) it.box.checked = !set().has(it.name);
    const shown = boxes.filter(it => it.box.checked).length;
    head.textContent = `${title}: ${shown === boxes.length ? "all" : `${shown} of ${boxes.length}`}`;
  });
  return make("details", { class: "choices", id: `choose-${title.toLowerCase()}` }, head, group);
}

function bar() {
  const who = contenders.map(it => ({ name: it.name, label: it.name, key: make("span", { class: `key ${it.family}` }) }));
  const sections = all("section[data-scenario]").map(it => ({ name: it.dataset.scenario, label: it.querySelector("h2").textContent }));
  const theme = make("button", {
    type: "button", id: "theme",
    click: () => { state.theme = isDark() ? "light" : "dark"; changed(); },
  });
  whenChanged(() => { theme.textContent = isDark() ? "Light" : "Dark"; });
  const made = make("div", { class: "bar", role: "region", "aria-label": "What is shown" },
    choices("Contenders", who, () => state.hide), choices("Scenarios", sections, () => state.without), theme);
  document.querySelector("main").before(made);
  addEventListener("pointerdown", event => {
    for (const it of all("details[open]", made)) if (!it.contains(event.target)) it.open = false;
  });
  addEventListener("keydown", event => {
    const open = event.key === "Escape" && made.querySelector("details[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });
}

/** The cell that stands in a column, and what it is sorted by; `1 of 50 served` spans columns and has no value. */
function valueIn(row, column) {
  let at = 0;
  for (const cell of row.cells) {
    at += cell.colSpan;
    if (at > column) return column === 0 ? cell.textContent : cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  }
  return null;
}

function compare(a, b) {
  return typeof a === "string" ? a.localeCompare(b) : a - b;
}

/** Sorted rows: those that are not valid after the others, those without a figure last, whatever the direction. */
function sorted(rows, column, direction) {
  const place = row => Number(row.classList.contains("weak")) + 2 * Number(valueIn(row, column) === null);
  const sign = direction === "descending" ? -1 : 1;
  return [...rows].sort((a, b) => place(a) - place(b) ||
    (place(a) < 2 ? sign * compare(valueIn(a, column), valueIn(b, column)) : 0));
}

function sortable(table) {
  const name = table.dataset.table;
  const [body] = table.tBodies;
  const asMade = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make("button", {
      type: "button", class: "sort",
      click: () => {
        const first = column === 0 ? "ascending" : "descending";
        const other = first === "ascending" ? "descending" : "ascending";
        const now = head.getAttribute("aria-sort");
        // First, other, as it was made.
        if (now === other) state.sort.delete(name);
        else state.sort.set(name, `${column}:${now === first ? other : first}`);
        changed();
      },
    }, ...head.childNodes);
    head.append(button);
  });
  whenChanged(() => {
    const [column, direction] = (state.sort.get(name) || "").split(":");
    const known = heads[column] && ["ascending", "descending"].includes(direction);
    heads.forEach((head, index) => {
      if (known && index === Number(column)) head.setAttribute("aria-sort", direction);
      else head.removeAttribute("aria-sort");
    });
    const rows = known ? sorted(asMade, Number(column), direction) : asMade;
    // Rows that are put where they stand make the browser lay the table out again.
    if (rows.some((row, index) => body.rows[index] !== row)) body.append(...rows);
  });
}

bar();
all("table[data-table]").forEach(sortable);
whenChanged(() => {
  for (const row of all("tr[data-contender]")) row.hidden = state.hide.has(row.dataset.contender);
  for (const part of all("[data-scenario]")) part.hidden = state.without.has(part.dataset.scenario);
  for (const link of all("nav a")) link.parentElement.hidden = state.without.has(link.getAttribute("href").slice(1));
});

