// @ts-check
// Checks what users pass.

import { isUrl } from "./inputs.js";

/**
 * Returns the options, or none if they are undefined.
 * @template {object} T
 * @param {string} caller for error messages
 * @param {T | undefined} options
 * @param {Record<string, true>} known the names that they may have
 * @returns {Partial<T>}
 * @throws {TypeError} if they are not an object, or if there is an unknown one
 */
export function checkOptions(caller, options, known) {
  if (options === undefined) return {};
  if (!isOptions(options)) throw new TypeError(`${caller}: the options must be an object, not ${options === null ? "null" : typeof options}`);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) {
    throw new TypeError(`${caller} has no option ${JSON.stringify(unknown)}; its options are ${Object.keys(known).join(", ")}`);
  }
  return options;
}

/**
 * Returns whether a value can hold options.
 * @param {unknown} value
 * @returns {value is object}
 */
export function isOptions(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @param {{ integer: boolean, min: number, max?: number }} range
 * @param {string} [otherwise] what else the option may be, for error messages
 * @throws {TypeError} if `value` is neither undefined nor a finite number in the range
 */
export function checkNumber(name, value, { integer, min, max = Infinity }, otherwise = "") {
  if (value === undefined) return;
  if (typeof value === "number" && (integer ? Number.isSafeInteger(value) : Number.isFinite(value)) && value >= min && value <= max) return;
  const range = max < Infinity ? `from ${min} to ${max}` : `of at least ${min}`;
  throw new TypeError(`${name} must be ${otherwise}${integer ? "a whole number" : "a number"} ${range}, not ${String(value)}`);
}

/**
 * @param {string} caller for error messages
 * @param {unknown} worker
 * @throws {TypeError} if `worker` is neither undefined, a URL nor a function
 */
export function checkWorker(caller, worker) {
  if (worker === undefined || typeof worker === "function" || isUrl(worker)) return;
  throw new TypeError(`${caller}: worker must be a URL or a function that returns a Worker`);
}
