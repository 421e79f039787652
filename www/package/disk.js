// @ts-check
// Reads files from the disk, in Node, Deno and Bun. Not every version of their `fetch` accepts `file:` URLs.

import { messageOf } from "./message-of.js";

/**
 * Returns whether a URL is that of a file that `readFile` can read.
 * @param {string} url
 */
export function isOnDisk(url) {
  return url.startsWith("file:") && /** @type {any} */ (globalThis).process?.versions?.node !== undefined;
}

/**
 * Reads a file.
 * @param {string} url
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {Error} if it cannot be read; the message names the URL
 */
export async function readFile(url) {
  // Bundlers for browsers would look for a constant name.
  const name = "node:fs/promises";
  const { readFile } = await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name);
  try {
    return new Uint8Array(await readFile(new URL(url)));
  } catch (error) {
    throw new Error(`${url} cannot be read (${messageOf(error)})`);
  }
}
