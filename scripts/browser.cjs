// What scripts/browser asserts of a report: each function uses the page as a reader would, and throws where it does not do.
const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [file, pictures] = process.argv.slice(2);
const address = `file://${file}`;
const said = [];

async function opened(browser, hash = "", options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  page.on("console", it => said.push(it.text()));
  page.on("pageerror", it => said.push(it.message));
  page.on("request", it => { if (!/^(file|data|blob):/.test(it.url())) said.push(`fetched ${it.url()}`); });
  await page.goto(address + hash);
  if (options.javaScriptEnabled !== false) await page.waitForFunction(() => !document.documentElement.classList.contains("opening"));
  return page;
}

async function shoot(page, name, fullPage = true) {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage });
}

/** A row's name without what stands below it. */
const names = (page, table) => page.$$eval(`${table} tbody tr:not([hidden])`, rows => rows.map(row => row.dataset.contender));
const values = (page, table, column) => page.$$eval(`${table} tbody tr:not(.weak)`, (rows, column) =>
  rows.map(row => Number(row.cells[column].dataset.value)).filter(it => !Number.isNaN(it)), column);
const click = (page, selector) => page.$eval(selector, it => it.click());

async function sorting(page) {
  const table = await page.$eval("table[data-table]", it => `table[data-table="${it.dataset.table}"]`);
  const made = await names(page, table);
  const head = `${table} thead th:nth-child(3)`;
  for (const [direction, sign] of [["descending", -1], ["ascending", 1]]) {
    await click(page, `${head} button`);
    assert.equal(await page.getAttribute(head, "aria-sort"), direction);
    const found = await values(page, table, 2);
    assert(found.length > 1, "a column with figures");
    assert.deepEqual(found, [...found].sort((a, b) => sign * (a - b)));
    const weak = await page.$$eval(`${table} tbody tr`, rows => rows.map(row => row.classList.contains("weak")));
    assert.deepEqual(weak, [...weak].sort(), "weak cells stand last");
    if (direction === "descending") await page.locator(table).scrollIntoViewIfNeeded(), await shoot(page, "sorted", false);
  }
  await click(page, `${head} button`);
  assert.equal(await page.getAttribute(head, "aria-sort"), null);
  assert.deepEqual(await names(page, table), made, "as it was made");
  return "sorting";
}

async function hiding(page) {
  // Somebody who stands in a picture, too: five ways hold the first of each family alone.
  const pictured = rows => rows.map(it => it.dataset.contender).find(name => document.querySelector(`.card:not([hidden]) svg [data-contender="${name}"]`));
  const who = await page.$$eval("tr[data-contender]:not(.weak)", pictured);
  const lines = () => page.$$eval(".plot", (plots, who) => plots.filter(it => [...it.querySelectorAll("text")].some(text => text.textContent === who)).length, who);
  // Of pictures that are not drawn anew, what is its alone.
  const parts = () => page.$$eval(`.card:not([hidden]) svg [data-contender="${who}"]`, (parts, name) => parts.filter(it => getComputedStyle(it).display !== "none").length);
  const [before, whole] = [await lines(), await parts()];
  assert(before > 0, `${who} is in a chart`);
  assert(whole > 0, `${who} is in a picture`);
  await click(page, "#choose-contenders > summary");
  await shoot(page, "legend", false);
  await click(page, `#choose-contenders input[value="${who}"]`);
  assert.equal(await page.locator(`tr[data-contender="${who}"]:visible`).count(), 0, "no row is left");
  assert.equal(await lines(), 0, "no chart has it");
  assert.equal(await parts(), 0, "nor a picture");
  assert((await page.evaluate("location.hash")).includes(`hide=${who}`));
  const other = await opened(page.context().browser(), await page.evaluate("location.hash"));
  assert.equal(await other.locator(`tr[data-contender="${who}"]:visible`).count(), 0, "the link shows the same");
  await other.context().close();
  await click(page, `#choose-contenders input[value="${who}"]`);
  assert.deepEqual([await lines(), await parts()], [before, whole], "back again");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#choose-contenders[open]").count(), 0, "Escape closes the legend");
  return "hiding, deep link";
}

async function filtering(page) {
  const sections = page.locator("section[data-scenario]:visible");
  const before = await sections.count();
  const name = await sections.first().getAttribute("data-scenario");
  await click(page, `#choose-scenarios input[value="${name}"]`);
  assert.equal(await sections.count(), before - 1);
  assert.equal(await page.locator(`[data-scenario="${name}"]:visible`).count(), 0, "nor its charts");
  // A link within the page keeps what was chosen.
  const link = await page.locator("nav a:visible").last().getAttribute("href");
  await page.evaluate(link => { location.hash = link; }, link);
  await page.waitForFunction(() => location.hash.includes("without="));
  assert.equal(await sections.count(), before - 1);
  await click(page, `#choose-scenarios input[value="${name}"]`);
  return "filtering";
}

async function pointing(page) {
  const plots = page.locator(".plot:visible");
  const count = await plots.count();
  assert(count > 0, "a chart that is drawn");
  for (let index = 0; index < count; index++) {
    const plot = plots.nth(index);
    const heard = plot.locator("xpath=following-sibling::output");
    await plot.scrollIntoViewIfNeeded();
    await plot.hover({ position: { x: 300, y: 120 } });
    const pointed = await heard.textContent();
    assert.match(pointed, /^[^:]+: .*\d/, "the pointer reads a value");
    await plot.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    assert.match(await heard.textContent(), /^[^:]+: .*\d/, "the keyboard reads a value");
    assert.equal(await plot.locator(".here").count(), 1);
    if (index === 0) await shoot(page, "value", false);
  }
  return `values of ${count} charts`;
}

async function scaling(page) {
  const figure = page.locator("figure:has(.plot)").first();
  const drawn = () => figure.locator(".plot svg").innerHTML();
  const log = figure.locator("button.log");
  const before = [await drawn(), await log.getAttribute("aria-pressed")];
  await log.click();
  assert.notEqual(await log.getAttribute("aria-pressed"), before[1]);
  assert.notEqual(await drawn(), before[0]);
  const select = figure.locator("select");
  const options = await select.locator("option").count();
  if (options > 1) {
    const scaled = await drawn();
    await select.selectOption({ index: 1 });
    assert.notEqual(await drawn(), scaled);
    assert.match(await page.evaluate("location.hash"), /scale=.*/);
  }
  await shoot(page, "scale", false);
  return "scale and figure";
}

async function taking(page) {
  const figures = page.locator("figure[data-chart]:visible");
  const count = await figures.count();
  for (let index = 0; index < count; index++) {
    const figure = figures.nth(index);
    const name = await figure.getAttribute("data-chart");
    await figure.locator(".take summary").click();
    for (const format of ["SVG", "CSV", "PNG"]) {
      const heard = figure.locator("output.said");
      await figure.locator(".take button", { hasText: `Copy ${format}` }).click();
      await page.waitForFunction(([id, text]) => document.getElementById(id).querySelector("output.said").textContent === text, [`chart-${name}`, `${format} copied`], { timeout: 10_000 })
        .catch(async () => assert.fail(`${name}: ${await heard.textContent()}`));
      const copied = await page.evaluate(async () => {
        const [item] = await navigator.clipboard.read();
        const blob = await item.getType(item.types[0]);
        return { type: blob.type, size: blob.size, text: blob.type.startsWith("text") ? await blob.text() : "" };
      });
      if (format === "PNG") assert(copied.type === "image/png" && copied.size > 10_000, `${name}: ${copied.type}, ${copied.size} B`);
      if (format === "SVG") assert.match(copied.text, /^<svg[^]*<\/svg>$/);
      if (format === "CSV") {
        assert.match(copied.text, /^contender,family,scenario,x,metric,unit,value/);
        assert(!/,undefined|,NaN/.test(copied.text), name);
      }
    }
    await figure.locator(".take summary").click();
  }
  const first = figures.first();
  await first.locator(".take summary").click();
  for (const format of ["svg", "png", "csv"]) {
    const [download] = await Promise.all([page.waitForEvent("download"), first.locator(".take button", { hasText: `Save ${format.toUpperCase()}` }).click()]);
    assert(download.suggestedFilename().endsWith(`.${format}`));
  }
  if (pictures) {
    const drawn = page.locator("figure:has(.plot)").first();
    const summary = drawn.locator(".take summary");
    if (!(await drawn.locator(".take").getAttribute("open").then(it => it !== null))) await summary.click();
    const [download] = await Promise.all([page.waitForEvent("download"), drawn.locator(".take button", { hasText: "Save PNG" }).click()]);
    await download.saveAs(`${pictures}/saved.png`);
  }
  return `copies of ${count} charts as SVG, PNG and CSV, saving`;
}

/** The table under each chart holds what its CSV does. */
async function tabling(page) {
  const figures = page.locator("figure[data-chart]:visible");
  const count = await figures.count();
  for (let index = 0; index < count; index++) {
    const figure = figures.nth(index);
    const name = await figure.getAttribute("data-chart");
    await figure.locator(".data > summary").click();
    await figure.locator(".data tbody tr").first().waitFor({ state: "attached" }).catch(() => assert.fail(`${name}: its table has no rows`));
    const rows = await figure.locator(".data tbody tr").count();
    await figure.locator(".take").evaluate(it => { it.open = true; });
    await figure.locator(".take button", { hasText: "Copy CSV" }).click();
    await page.waitForFunction(id => document.getElementById(id).querySelector("output.said").textContent === "CSV copied", `chart-${name}`);
    const csv = await page.evaluate("navigator.clipboard.readText()");
    assert.equal(rows, csv.trim().split(/\n(?=[^"]*(?:"[^"]*"[^"]*)*$)/).length - 1, `${name}: as many as its CSV`);
    if (index === 0) await shoot(page, "table", false);
    await figure.locator(".take").evaluate(it => { it.open = false; });
    await figure.locator(".data > summary").click();
  }
  return `tables of ${count} charts`;
}

async function looking(browser) {
  for (const [name, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", { viewport: { width: 375, height: 800 } }], ["phone-dark", { viewport: { width: 375, height: 800 }, colorScheme: "dark" }]]) {
    const page = await opened(browser, "", options);
    const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert(wide <= 0, `${name}: ${wide} px wider than the window`);
    const found = await accessible(page);
    await shoot(page, name);
    assert.equal(found.length, 0, `${name}, axe: ${found.join("\n")}`);
    await page.context().close();
  }
  return "light, dark, 375 px, nothing serious by axe";
}

async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  return violations.filter(it => ["serious", "critical"].includes(it.impact))
    .map(it => `${it.id}: ${it.nodes.length} × ${it.nodes[0].html.slice(0, 160)} ${it.nodes[0].failureSummary}`);
}

async function theming(page) {
  const paper = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  const before = await paper();
  await click(page, "#theme");
  assert.notEqual(await paper(), before);
  assert.match(await page.evaluate("location.hash"), /theme=dark/);
  const chart = await page.$eval(".plot svg rect", it => it.getAttribute("fill"));
  assert.equal(chart, await page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()"), "charts follow");
  await click(page, "#theme");
  assert.equal(await paper(), before);
  return "toggling the theme";
}

async function printing(page) {
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".bar:visible, .tools:visible").count(), 0, "no controls on paper");
  const pdf = await page.pdf({ format: "A4", ...(pictures ? { path: `${pictures}/print.pdf` } : {}) });
  assert(pdf.length > 50_000);
  await page.setViewportSize({ width: 794, height: 1123 });
  await shoot(page, "print");
  await page.emulateMedia({ media: "screen" });
  return "printing";
}

/** Without a script everything is there to be read. */
async function scriptless(browser) {
  const page = await opened(browser, "", { javaScriptEnabled: false });
  assert((await page.locator(".card svg:visible").count()) >= 4, "the pictures stand");
  assert.equal(await page.locator(".bar, .plot").count(), 0, "no controls that do nothing");
  await shoot(page, "scriptless", false);
  await page.context().close();
  return "reading without a script";
}

async function main() {
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
  try {
    const page = await opened(browser);
    const [ms, interactive] = await page.evaluate(() => {
      const [it] = performance.getEntriesByType("navigation");
      return [it.loadEventEnd, it.domInteractive];
    });
    console.log(`opened in ${Math.round(ms)} ms (read in ${Math.round(interactive)} ms)`);
    for (const use of [sorting, hiding, filtering, pointing, theming, scaling, taking, tabling, printing]) console.log(`ok  ${await use(page)}`);
    for (const look of [looking, scriptless]) console.log(`ok  ${await look(browser)}`);
    assert.deepEqual(said, [], "the console is silent and nothing is fetched");
    console.log("ok  console silent, nothing fetched");
  } finally {
    await browser.close();
  }
}

main().catch(problem => { console.error(problem.message); process.exitCode = 1; });
