// @ts-check
// The answers of one model, in arrays that hold a hundred thousand of them.

/** @import { Answer } from "./types.js" */

export class AnswerColumn {
  answered = 0;
  milliseconds = 0;

  /**
   * @param {number} rows
   * @param {number} labels
   */
  constructor(rows, labels) {
    this.labels = labels;
    this.logits = new Float32Array(rows * labels);
    this.probabilities = new Float32Array(rows * labels);
    this.inferMs = new Float32Array(rows);
    /** @type {(number | string)[]} class ids, or the ids of the labels that apply, joined by commas */
    this.decisions = new Array(rows);
  }

  /** @param {Answer} answer */
  add({ logits, probabilities, labelId, labelIds, inferMs, tokenizeMs }) {
    const at = this.answered++;
    this.logits.set(logits, at * this.labels);
    this.probabilities.set(probabilities, at * this.labels);
    this.inferMs[at] = inferMs;
    this.decisions[at] = labelId ?? labelIds.join();
    this.milliseconds += inferMs + tokenizeMs;
  }
}
