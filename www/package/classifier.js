// @ts-check
// The object that users call. It checks what they pass. bert8.d.ts has its types and documentation.

/** @import * as api from "./bert8.js" */
/** @import { Session } from "./session.js" */

import { checkNumber, checkOptions, isOptions } from "./checks.js";
import { toTexts } from "./inputs.js";

// The longest delay of a timer.
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

// The options. As records, because the compiler finds a name that is missing in a record.
/** @type {Record<keyof api.ClassifyOptions, true>} */
const CLASSIFY = { runs: true, warmup: true, budgetMs: true, signal: true, timeoutMs: true };
/** @type {Record<keyof api.BatchOptions, true>} */
const BATCH = { onProgress: true, signal: true, timeoutMs: true };

/**
 * Returns the classifier of a session. Its methods do not need `this`, so that it works behind the proxies of Vue and others.
 * @param {Session} session has loaded the model
 * @param {api.ClassifierInfo} info
 * @returns {api.Classifier}
 */
export function makeClassifier(session, info) {
  /** @type {Pick<api.Classifier, "classify" | "classifyBatch" | "rerank" | "dispose">} */
  const methods = {
    async classify(/** @type {unknown} */ first, /** @type {unknown} */ second = undefined, /** @type {api.ClassifyOptions} */ options = {}) {
      // classify(text, options)
      if (isOptions(second)) [second, options] = [undefined, second];
      const texts = toTexts(second === undefined ? first : [first, second]);
      if (!texts) throw new TypeError("classify() needs one string, or two for a pair");
      const { runs, warmup, budgetMs, ...rest } = checkOptions("classify()", options, CLASSIFY);
      checkNumber("runs", runs, { integer: true, min: 1 });
      checkNumber("warmup", warmup, { integer: true, min: 0 });
      checkNumber("budgetMs", budgetMs, { integer: false, min: 0 });
      const given = Object.entries({ runs, warmup, budgetMs }).filter(([, value]) => value !== undefined);
      return session.request("classify", { texts, options: Object.fromEntries(given) }, checkCall("classify()", rest));
    },

    async classifyBatch(inputs, options) {
      const wanted = "a string or a pair of strings";
      if (!Array.isArray(inputs)) throw new TypeError(`classifyBatch(inputs) needs an array; each input is ${wanted}`);
      const texts = Array.from(inputs, (input, i) => {
        const texts = toTexts(input);
        if (!texts) throw new TypeError(`classifyBatch(inputs): inputs[${i}] must be ${wanted}`);
        return texts;
      });
      return session.request("classifyBatch", { inputs: texts }, checkCall("classifyBatch()", checkOptions("classifyBatch()", options, BATCH)));
    },

    async rerank(query, texts, options) {
      if (typeof query !== "string") throw new TypeError("rerank(query, texts): query must be a string");
      if (!Array.isArray(texts)) throw new TypeError("rerank(query, texts): texts must be an array of strings");
      const copy = Array.from(texts, (text, i) => {
        if (typeof text !== "string") throw new TypeError(`rerank(query, texts): texts[${i}] must be a string`);
        return text;
      });
      return session.request("rerank", { query, texts: copy }, checkCall("rerank()", checkOptions("rerank()", options, BATCH)));
    },

    dispose() {
      session.close(new Error("this classifier has been disposed; load() a new one"));
    },
  };
  const { asyncDispose } = Symbol;
  const disposal = asyncDispose && { [asyncDispose]: async () => methods.dispose() };
  return Object.freeze(/** @type {api.Classifier} */ ({ info: Object.freeze(info), ...methods, ...disposal }));
}

/**
 * Returns the options that every call has.
 * @param {string} caller for error messages
 * @param {api.BatchOptions} options
 */
function checkCall(caller, { signal, timeoutMs, onProgress }) {
  checkNumber("timeoutMs", timeoutMs, { integer: false, min: 0, max: MAX_TIMEOUT_MS });
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
    throw new TypeError(`${caller}: signal must be an AbortSignal`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") throw new TypeError(`${caller}: onProgress must be a function`);
  return { signal, timeoutMs, onProgress };
}
