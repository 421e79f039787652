// @ts-check
// Finds out what a visitor's connection allows.

/** What browsers say of the connection, where they do. */
const connection = () => /** @type {any} */ (navigator).connection;

/** Returns whether to load the large model without being asked: not on a phone or a tablet, on a slow line, or to save data. */
export function allowsLargeModel() {
  const { saveData = false, effectiveType = "4g" } = connection() ?? {};
  if (saveData || effectiveType !== "4g") return false;
  return !matchMedia("(pointer: coarse) and (hover: none)").matches;
}

/**
 * Resolves to the size of a file of this site, in bytes; to null if the server does not tell.
 * @param {string} url
 * @returns {Promise<number | null>}
 */
export async function sizeOf(url) {
  const response = await fetch(url, { method: "HEAD" }).catch(() => null);
  const length = response?.ok && !response.headers.has("content-encoding") ? response.headers.get("content-length") : null;
  return length ? Number(length) : null;
}
