// @ts-check
// Turns what callers pass into what can be posted to a worker.

/**
 * Returns an absolute URL, or a copy of the bytes. The copy is transferred to the worker; the caller's buffer stays usable.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @throws {TypeError} if the value is neither a URL nor bytes
 */
export function toSource(name, value) {
  const bytes = bytesOf(value);
  return bytes ? bytes.slice() : toUrl(name, value);
}

/**
 * Returns an absolute URL.
 * @param {string} name the option, for error messages
 * @param {unknown} value
 * @throws {TypeError} if the value is not one
 */
export function toUrl(name, value) {
  if (isUrl(value) && value !== "") {
    try {
      return absolute(/** @type {string | URL} */ (value));
    } catch {
      const advice = baseUrl() === undefined ? "; without a page, it must be absolute, such as new URL(path, import.meta.url)" : "";
      throw new TypeError(`load(): ${name} is not a valid URL: ${value}${advice}`);
    }
  }
  throw new TypeError(`load() needs a ${name}: a URL, a Blob, a Response, an ArrayBuffer or a view of one`);
}

/**
 * Returns whether a value is a URL or its text.
 * @param {unknown} value
 */
export const isUrl = (value) => typeof value === "string" || tagOf(value) === "URL";

/** Returns what relative URLs are resolved against: the document's base URL, or the location of this worker. Node has neither. */
const baseUrl = () => globalThis.document?.baseURI ?? globalThis.location?.href;

/**
 * Returns an absolute URL.
 * @param {string | URL} url
 * @throws {TypeError} if it is none
 */
export function absolute(url) {
  return new URL(url, baseUrl()).href;
}

/**
 * Returns the bytes of a buffer or of a view. They may come from another realm, such as a frame, where `instanceof` fails.
 * @param {unknown} value
 * @returns {Uint8Array | undefined}
 */
function bytesOf(value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (["ArrayBuffer", "SharedArrayBuffer"].includes(tagOf(value))) return new Uint8Array(/** @type {ArrayBuffer} */ (value));
  return undefined;
}

/**
 * Returns the class of a built-in object, of any realm.
 * @param {unknown} value
 */
export function tagOf(value) {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/**
 * Returns a copy of the one or two texts of an input, or undefined if it is neither a string nor an array of two.
 * @param {unknown} input
 * @returns {[string] | [string, string] | undefined}
 */
export function toTexts(input) {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input) || input.length !== 2) return undefined;
  const [first, second] = input;
  return typeof first === "string" && typeof second === "string" ? [first, second] : undefined;
}
