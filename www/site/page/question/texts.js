// @ts-check
// The boxes for texts. The fragment of the page's address, which no server sees, keeps them over a reload: #a=…&b=…

import { byId } from "../shared/dom.js";

/** Characters that a box takes: far more than any model reads, and few enough for the browser to show without a pause. */
const MOST = 50_000;

/** Characters that the address keeps, encoded. */
const MOST_IN_ADDRESS = 8000;

/** Milliseconds without a change after which the address follows. */
const PAUSE = 300;

class Texts extends EventTarget {
  /** @type {HTMLTextAreaElement[]} */
  #boxes = [byId("sentence1"), byId("sentence2")];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    super();
    for (const box of this.#boxes) {
      box.addEventListener("input", () => this.#onInput(box));
      box.addEventListener("paste", (event) => insertStart(event, box, event.clipboardData));
      box.addEventListener("drop", (event) => insertStart(event, box, event.dataTransfer));
    }
    addEventListener("pagehide", () => this.#timer !== undefined && this.keep());
  }

  /** The text in the first box. */
  get first() {
    return this.#boxes[0].value;
  }

  /** The text in the second box, which may be hidden. */
  get second() {
    return this.#boxes[1].value;
  }

  /**
   * Puts texts, or the starts of long ones, into the boxes.
   * @param {string} first
   * @param {string} [second]
   * @param {{ keeps?: boolean }} [options] whether the address keeps them
   */
  set(first, second = "", { keeps = true } = {}) {
    [first, second].forEach((text, i) => (this.#boxes[i].value = startOf(text)));
    showCut([first, second].some(({ length }) => length > MOST));
    this.#changed(keeps);
  }

  /** Puts the texts into the boxes that the address holds, or none. */
  restore() {
    const kept = new URLSearchParams(location.hash.slice(1));
    this.set(kept.get("a") ?? "", kept.get("b") ?? "", { keeps: false });
  }

  /** Writes the texts into the address, in place of the earlier ones. */
  keep() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const given = Object.entries({ a: this.first, b: this.second }).filter(([, text]) => text !== "");
    const fragment = new URLSearchParams(given).toString();
    const url = new URL(location.href);
    url.hash = fragment.length <= MOST_IN_ADDRESS ? fragment : "";
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  /** @param {HTMLTextAreaElement} box */
  #onInput(box) {
    const long = box.value.length > MOST;
    if (long) box.value = startOf(box.value);
    if (long) showCut(true);
    else if (this.#boxes.every(({ value }) => value.length < MOST)) showCut(false);
    this.#changed(true);
  }

  /** @param {boolean} keeps */
  #changed(keeps) {
    clearTimeout(this.#timer);
    this.#timer = keeps ? setTimeout(() => this.keep(), PAUSE) : undefined;
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * Inserts only the start of a text that is too long: a box with a million characters would stop the page for seconds.
 * @param {Event} event
 * @param {HTMLTextAreaElement} box
 * @param {DataTransfer | null} data
 */
function insertStart(event, box, data) {
  const text = data?.getData("text/plain") ?? "";
  const [start, end] = event.type === "paste" ? [box.selectionStart, box.selectionEnd] : [box.value.length, box.value.length];
  const room = MOST - (box.value.length - (end - start));
  if (text.length <= room) return;
  event.preventDefault();
  box.setRangeText(startOf(text, Math.max(room, 0)), start, end, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
  showCut(true);
}

/**
 * Returns the first `most` characters, without half of a pair of surrogates.
 * @param {string} text
 */
const startOf = (text, most = MOST) => text.slice(0, most).replace(/[\uD800-\uDBFF]$/, "");

/** @param {boolean} shown */
function showCut(shown) {
  const note = byId("cut");
  note.textContent = shown
    ? `The text was longer than ${MOST.toLocaleString("en")} characters, far more than the model reads. The rest was left out.`
    : "";
}

export const texts = new Texts();
