// @ts-check
// What `bert8 bundle` has put into the page: script elements that hold files.

/**
 * What the page says about its model.
 * @typedef {object} About
 * @property {string} title
 * @property {string} description
 * @property {string} language the code of the only language that the model knows, or an empty text
 * @property {string} limits what the model cannot do, or an empty text
 * @property {string} version of bert8
 * @property {string[][]} examples each one text or two
 */

/** @returns {About} */
export const about = () => JSON.parse(take("about"));

/**
 * Returns the bytes of a file that the page holds in base64.
 * @param {"program" | "model" | "tokenizer"} name
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function file(name) {
  const characters = atob(take(name));
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

/**
 * Unpacks a file that was compressed with gzip.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function unpacked(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Returns the text of an element and removes it, because it takes as much memory as the file.
 * @param {string} name
 */
function take(name) {
  const element = document.getElementById(`bert8-${name}`);
  const text = element?.textContent;
  if (!element || !text) throw new Error(`this page was cut off or damaged: it has no ${name}; get it again`);
  element.remove();
  return text;
}
