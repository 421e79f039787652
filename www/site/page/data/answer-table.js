// @ts-check
// The models' answers to the rows of a dataset, in the worker.

/** @import { AnsweredRow, Answers, DataRow, Filter, ModelInfo, ModelKey, Names, Shown, Target, View } from "./types.js" */

import { speedupOf } from "../timing/statistics.js";
import { AnswerColumn } from "./answer-column.js";
import { answerText, idsOf, targetText, valueName } from "./answer-words.js";

/** How many rows are searched at a time. */
const BLOCK = 1024;

/** How many characters of a text are listed. */
const MOST_CHARACTERS = 300;

export class AnswerTable {
  truncated = 0;
  /** @type {Map<ModelKey, AnswerColumn>} */
  #columns = new Map();
  /** @type {number[]} the rows that are listed, in the order of the list */
  #listed = [];
  /** @type {Target[]} */
  #targets = [];
  #fetch;

  /**
   * @param {ModelInfo} info
   * @param {Names} names the models', INT8 first
   * @param {number} rows the number of rows that may be answered
   * @param {(start: number, end: number) => DataRow[]} fetch returns rows
   */
  constructor(info, names, rows, fetch) {
    this.info = info;
    this.names = names;
    this.keys = /** @type {ModelKey[]} */ (["int8", "fp32"]).filter((key) => names[key] !== undefined);
    this.#fetch = fetch;
    this.tokens = new Uint16Array(rows);
    for (const key of this.keys) this.#columns.set(key, new AnswerColumn(rows, info.labels.length));
  }

  /** The number of rows that all models have answered. */
  get length() {
    return Math.min(...[...this.#columns.values()].map(({ answered }) => answered));
  }

  /**
   * Adds the answers to the next rows.
   * @param {Answers} answers
   */
  add(answers) {
    const start = this.length;
    const count = answers[this.keys[0]]?.length ?? 0;
    this.#targets.push(...this.#fetch(start, start + count).map(({ target }) => target));
    for (const key of this.keys) for (const answer of answers[key] ?? []) this.#column(key).add(answer);
    (answers[this.keys[0]] ?? []).forEach(({ tokens, truncated }, i) => {
      this.tokens[start + i] = tokens;
      if (truncated) this.truncated++;
    });
  }

  /** @param {ModelKey} key */
  #column(key) {
    return /** @type {AnswerColumn} */ (this.#columns.get(key));
  }

  /**
   * The logits of all rows, one row after another.
   * @param {ModelKey} key
   */
  logits(key) {
    return this.#column(key).logits.subarray(0, this.length * this.info.labels.length);
  }

  /**
   * @param {ModelKey} key
   * @param {number} at
   */
  logitsOf(key, at) {
    const { length } = this.info.labels;
    return [...this.#column(key).logits.subarray(at * length, (at + 1) * length)];
  }

  /**
   * Rows per second, tokenization included.
   * @param {ModelKey} key
   */
  rate(key) {
    const { milliseconds } = this.#column(key);
    return milliseconds > 0 ? (1000 * this.length) / milliseconds : 0;
  }

  /**
   * Milliseconds of inference, by row.
   * @param {ModelKey} key
   */
  inferMs(key) {
    return this.#column(key).inferMs.subarray(0, this.length);
  }

  /** How many times as fast INT8 was, from the pairs of runs on the same row; null without both models. */
  speedup() {
    if (this.keys.length < 2 || this.length === 0) return null;
    return speedupOf([...this.inferMs("fp32")], [...this.inferMs("int8")]);
  }

  /** What `value` returns, in words. */
  get valueName() {
    return valueName(this.info, this.names);
  }

  /**
   * The number that stands for an answer in plots: the score, the probability of class 1 of two, or that of the label that the FP32
   * model finds most likely.
   * @param {ModelKey} key
   * @param {number} at
   */
  value(key, at) {
    const { problem, labels } = this.info;
    const place = at * labels.length;
    if (problem === "regression") return this.#column(key).logits[place];
    return this.#column(key).probabilities[place + this.#plottedLabel(at)];
  }

  /** @param {number} at */
  #plottedLabel(at) {
    const { problem, labels } = this.info;
    if (problem === "single-label" && labels.length === 2) return 1;
    const { probabilities } = this.#column(this.names.fp32 === undefined ? "int8" : "fp32");
    const place = at * labels.length;
    let best = 0;
    for (let label = 1; label < labels.length; label++) if (probabilities[place + label] > probabilities[place + best]) best = label;
    return best;
  }

  /** @param {number} at */
  isFlip(at) {
    if (this.keys.length < 2 || this.info.problem === "regression") return false;
    return this.#column("int8").decisions[at] !== this.#column("fp32").decisions[at];
  }

  /**
   * Whether a model's answer is right; null if there is no label, or none that is right or wrong.
   * @param {ModelKey} key
   * @param {number} at
   */
  isRight(key, at) {
    const target = this.#targets[at];
    if (target === null || target === undefined || this.info.problem === "regression") return null;
    if (this.info.problem === "multi-label") return Array.isArray(target) ? this.#column(key).decisions[at] === idsOf(target).join() : null;
    return this.#column(key).decisions[at] === target;
  }

  /**
   * @param {Filter} filter
   * @returns {(at: number) => boolean}
   */
  #test(filter) {
    const wrong = (/** @type {ModelKey} */ key, /** @type {number} */ at) => this.#columns.has(key) && this.isRight(key, at) === false;
    const right = (/** @type {ModelKey} */ key, /** @type {number} */ at) => this.#columns.has(key) && this.isRight(key, at) === true;
    return {
      all: () => true,
      flips: (/** @type {number} */ at) => this.isFlip(at),
      "int8-wrong": (/** @type {number} */ at) => wrong("int8", at),
      "fp32-wrong": (/** @type {number} */ at) => wrong("fp32", at),
      worse: (/** @type {number} */ at) => wrong("int8", at) && right("fp32", at),
      better: (/** @type {number} */ at) => right("int8", at) && wrong("fp32", at),
    }[filter];
  }

  /** @returns {Record<Filter, number>} */
  counts() {
    /** @type {Record<Filter, number>} */
    const counts = { all: this.length, flips: 0, "int8-wrong": 0, "fp32-wrong": 0, worse: 0, better: 0 };
    for (const filter of /** @type {Filter[]} */ (Object.keys(counts))) {
      const test = this.#test(filter);
      counts[filter] = this.#places(test).length;
    }
    return counts;
  }

  /** @param {(at: number) => boolean} test */
  #places(test) {
    const places = [];
    for (let at = 0; at < this.length; at++) if (test(at)) places.push(at);
    return places;
  }

  /**
   * Chooses the rows to list. Returns their number.
   * @param {View} view
   */
  list({ filter, order, search }) {
    let places = this.#places(this.#test(filter));
    const wanted = search.trim().toLowerCase();
    if (wanted) {
      const found = this.#search(wanted);
      places = places.filter((at) => found.has(at));
    }
    if (order === "difference" && this.keys.length > 1) {
      const apart = Float32Array.from({ length: this.length }, (_, at) => Math.abs(this.value("int8", at) - this.value("fp32", at)));
      places.sort((a, b) => apart[b] - apart[a] || a - b);
    }
    this.#listed = places;
    return places.length;
  }

  /** @param {string} wanted in lower case */
  #search(wanted) {
    const found = new Set();
    for (let start = 0; start < this.length; start += BLOCK) {
      this.#fetch(start, Math.min(start + BLOCK, this.length)).forEach(({ texts }, i) => {
        if (texts.some((text) => text.toLowerCase().includes(wanted))) found.add(start + i);
      });
    }
    return found;
  }

  /**
   * Returns rows of the list, with the starts of their texts.
   * @param {number} start
   * @param {number} end
   */
  listed(start, end) {
    return this.#listed.slice(start, end).map((at) => {
      const row = this.row(at, this.#fetch(at, at + 1)[0]);
      return { ...row, texts: row.texts.map((text) => text.slice(0, MOST_CHARACTERS)) };
    });
  }

  /** All rows that were answered. */
  *rows() {
    for (let start = 0; start < this.length; start += BLOCK) {
      const rows = this.#fetch(start, Math.min(start + BLOCK, this.length));
      for (const [i, row] of rows.entries()) yield this.row(start + i, row);
    }
  }

  /**
   * @param {number} at
   * @param {DataRow} row
   * @returns {AnsweredRow}
   */
  row(at, { line, texts, label, target }) {
    const { int8, fp32 } = Object.fromEntries(this.keys.map((key) => [key, this.#shown(key, at)]));
    return {
      at, line, texts, tokens: this.tokens[at], flip: this.isFlip(at),
      label: target === null ? (label ?? "") : targetText(this.info, target),
      ...(int8 && { int8 }), ...(fp32 && { fp32 }),
    };
  }

  /**
   * @param {ModelKey} key
   * @param {number} at
   * @returns {Shown}
   */
  #shown(key, at) {
    const { decisions, inferMs } = this.#column(key);
    const value = this.value(key, at);
    return { text: answerText(this.info, decisions[at], value), value, right: this.isRight(key, at), ms: inferMs[at] };
  }
}
