// @ts-check
// A table of any number of rows, of which only those in sight are in the document.

/** @import { AnsweredRow, Filter, ModelKey, Names, Order, Shown, View } from "./types.js" */
/** @import { DataWorker } from "./worker-client.js" */

import { button, element, newId } from "../shared/element.js";
import { number, score } from "../shared/format.js";

/** The height of a row in pixels, the same in data.css. */
const ROW = 56;
/** How many rows above and below those in sight are kept ready. */
const MARGIN = 6;
/** Rows come from the worker in blocks of so many. */
const BLOCK = 64;
/** How many blocks are kept. */
const MOST_BLOCKS = 8;

/**
 * Returns what a model, or both, can be filtered by.
 * @param {Names} names
 * @returns {[Filter, string][]}
 */
function filtersOf({ int8, fp32 }) {
  /** @type {[Filter, string, boolean][]} */
  const filters = [
    ["flips", "Flips", Boolean(int8 && fp32)],
    ["worse", `${int8} wrong, ${fp32} right`, Boolean(int8 && fp32)],
    ["better", `${int8} right, ${fp32} wrong`, Boolean(int8 && fp32)],
    ["int8-wrong", `${int8} wrong`, Boolean(int8)],
    ["fp32-wrong", `${fp32} wrong`, Boolean(fp32)],
    ["all", "All rows", true],
  ];
  return filters.flatMap(([filter, text, fits]) => (fits ? [/** @type {[Filter, string]} */ ([filter, text])] : []));
}

export class RowTable {
  /** @type {View} */
  #view = { filter: "all", order: "file", search: "" };
  #length = 0;
  #version = 0; // counts the views
  /** @type {Map<number, AnsweredRow[] | null>} by number; null while they are on their way */
  #blocks = new Map();
  #active = 0; // the row that the Tab key reaches
  #waiting = false; // whether that row gets the focus as soon as it is in the document
  #worker;
  #keys;
  #onPick;
  #body = element("tbody");
  #above = element("tbody", { "aria-hidden": "true" });
  #below = element("tbody", { "aria-hidden": "true" });
  #status = element("p", { class: "hint", role: "status" });
  #table;
  #scroller;

  /**
   * @param {{ worker: DataWorker, names: Names, counts: Record<Filter, number>, onPick: (row: AnsweredRow) => void }} options
   */
  constructor({ worker, names, counts, onPick }) {
    this.#worker = worker;
    const keys = (this.#keys = /** @type {ModelKey[]} */ (["int8", "fp32"]).filter((key) => names[key] !== undefined));
    this.#onPick = onPick;
    const columns = ["Line", "Texts", "Label", ...keys.map((key) => `${names[key]}`), ...(keys.length > 1 ? ["Difference"] : [])];
    this.#table = element("table", { class: "rows" },
      element("caption", { class: "visually-hidden" }, "Rows with the answers of the models"),
      element("thead", {}, element("tr", { "aria-rowindex": 1 }, ...columns.map((column) => element("th", { scope: "col" }, column)))),
      this.#above, this.#body, this.#below);
    this.#scroller = element("div", { class: "scroller", role: "region", "aria-label": "Rows", tabindex: 0 }, this.#table);
    this.#scroller.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.#scroller.addEventListener("keydown", (event) => this.#onKey(event));
    this.element = element("div", { class: "row-table" }, this.#controls(names, counts), this.#status, this.#scroller);
    new ResizeObserver(() => this.#draw()).observe(this.#scroller);
    this.show({ filter: counts.flips > 0 ? "flips" : "all" });
  }

  /**
   * @param {Names} names
   * @param {Record<Filter, number>} counts
   */
  #controls(names, counts) {
    const [filterId, orderId, searchId] = [newId(), newId(), newId()];
    const filter = element("select", { id: filterId, autocomplete: "off" },
      ...filtersOf(names).map(([value, text]) => element("option", { value }, `${text} (${number(counts[value])})`)));
    filter.value = counts.flips > 0 ? "flips" : "all";
    filter.addEventListener("change", () => this.show({ filter: /** @type {Filter} */ (filter.value) }));
    const order = element("select", { id: orderId, autocomplete: "off" }, element("option", { value: "file" }, "As in the file"), element("option", { value: "difference" }, "Largest difference first"));
    order.addEventListener("change", () => this.show({ order: /** @type {Order} */ (order.value) }));
    const search = element("input", { id: searchId, type: "search", autocomplete: "off", spellcheck: "false" });
    let timer = 0;
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.show({ search: search.value }), 150);
    });
    const field = (/** @type {string} */ id, /** @type {string} */ text, /** @type {HTMLElement} */ control) => element("div", { class: "field" }, element("label", { for: id }, text), control);
    return element("div", { class: "row-controls" }, field(filterId, "Show", filter), field(searchId, "Texts with", search), this.#keys.length > 1 && field(orderId, "Order", order));
  }

  /**
   * Lists the rows of another view.
   * @param {Partial<View>} changed
   */
  async show(changed) {
    this.#view = { ...this.#view, ...changed };
    const version = ++this.#version;
    const length = await this.#worker.ask("view", this.#view).catch(() => 0); // the data may have been replaced
    if (version !== this.#version) return;
    this.#length = length;
    this.#active = 0;
    this.#blocks.clear();
    this.#table.setAttribute("aria-rowcount", String(length + 1));
    this.#status.textContent = length === 0 ? "No rows to show." : `${number(length)} ${length === 1 ? "row" : "rows"}. Choose one to see it in the form above.`;
    this.#scroller.hidden = length === 0;
    this.#scroller.scrollTop = 0;
    this.#draw();
  }

  /** Puts the rows in sight into the document. */
  #draw() {
    const height = this.#scroller.clientHeight;
    const first = Math.max(Math.floor(this.#scroller.scrollTop / ROW) - MARGIN, 0);
    const last = Math.min(first + Math.ceil(height / ROW) + 2 * MARGIN, this.#length);
    const focused = this.#body.contains(document.activeElement) || (this.#waiting && document.activeElement === this.#scroller);
    this.#above.replaceChildren(spacer(first));
    this.#body.replaceChildren(...Array.from({ length: Math.max(last - first, 0) }, (_, i) => this.#row(first + i)));
    this.#below.replaceChildren(spacer(this.#length - last));
    if (focused) this.#focus();
    for (let block = Math.floor(first / BLOCK); block * BLOCK < last; block++) this.#load(block);
  }

  /** @param {number} place in the list */
  #row(place) {
    const row = this.#blocks.get(Math.floor(place / BLOCK))?.[place % BLOCK];
    const attributes = { "aria-rowindex": place + 2 };
    if (!row) return element("tr", attributes, element("td", { colspan: 9, class: "hint" }, "…"));
    const { int8, fp32 } = row;
    const shown = this.#keys.map((key) => row[key]);
    const open = button(`${row.line}`, () => this.#onPick(row), { "aria-label": `Line ${row.line}: show it in the form above`, tabindex: place === this.#active ? 0 : -1 });
    const made = element("tr", attributes,
      element("th", { scope: "row" }, open),
      element("td", { class: "texts" }, ...row.texts.map((text) => element("span", { title: text, dir: "auto" }, text))),
      element("td", {}, element("span", { title: row.label }, row.label)),
      ...shown.map((shown) => element("td", {}, ...(shown ? answer(shown) : []))),
      int8 && fp32 && element("td", {}, difference(int8, fp32), row.flip && element("strong", { class: "badge" }, "flip")));
    made.addEventListener("click", ({ target }) => target === open || this.#onPick(row));
    return made;
  }

  /** @param {number} block */
  async #load(block) {
    if (this.#blocks.has(block)) return;
    this.#blocks.set(block, null);
    const version = this.#version;
    const rows = await this.#worker.ask("listed", { start: block * BLOCK, end: (block + 1) * BLOCK }).catch(() => null);
    if (version !== this.#version || !rows) return;
    this.#blocks.set(block, rows);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > MOST_BLOCKS) this.#blocks.delete(oldest);
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const page = Math.max(Math.floor(this.#scroller.clientHeight / ROW) - 1, 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const inside = this.#body.contains(document.activeElement);
    this.#active = inside ? Math.min(Math.max(this.#active + step, 0), this.#length - 1) : this.#active;
    this.#reveal(this.#active);
    this.#draw();
    this.#focus();
  }

  /** Puts the focus on the active row, now or when it is in the document. */
  #focus() {
    /** @type {HTMLElement | null} */
    const row = this.#body.querySelector("button[tabindex='0']");
    this.#waiting = row === null;
    (row ?? this.#scroller).focus({ preventScroll: true });
  }

  /**
   * Scrolls until a row is in sight, below the header.
   * @param {number} place
   */
  #reveal(place) {
    const header = this.#table.tHead?.offsetHeight ?? 0;
    const room = this.#scroller.clientHeight - header;
    const top = this.#scroller.scrollTop;
    if (place * ROW < top) this.#scroller.scrollTop = place * ROW;
    else if ((place + 1) * ROW > top + room) this.#scroller.scrollTop = (place + 1) * ROW - room;
  }
}

/** @param {number} rows */
function spacer(rows) {
  const row = element("tr");
  row.style.height = `${rows * ROW}px`;
  return row;
}

/** @param {Shown} shown */
function answer({ text, value, right }) {
  return [
    element("span", { title: text }, text),
    element("span", { class: "hint" }, score(value), right === false && element("strong", { class: "badge" }, "wrong")),
  ];
}

/**
 * @param {Shown} int8
 * @param {Shown} fp32
 */
function difference(int8, fp32) {
  const apart = int8.value - fp32.value;
  return `${apart < 0 ? "−" : "+"}${score(Math.abs(apart))}`;
}
