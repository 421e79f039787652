// @ts-check
// Paths of files that a visitor brings.

/**
 * A file with its path in the folder that it comes from.
 * @typedef {{ path: string, file: File }} Found
 */

/** How many paths a message lists. */
const MOST_PATHS = 6;

const DATA = /\.(tsv|csv|jsonl|ndjson|json|txt)$/i;

/** Files of a model whose names end like those of data. */
const OF_MODEL = /(^|\/)([^/]*(config|tokenizer|manifest|vocab|special_tokens|added_tokens|report|index)[^/]*\.json|vocab\.txt|merges\.txt)$/i;

/**
 * Returns whether a file holds data, such as texts to answer, by its name.
 * @param {string} path
 */
export const isData = (path) => DATA.test(path) && !OF_MODEL.test(path);

/**
 * Returns the last part of a path.
 * @param {string} path
 */
export const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);

/**
 * Returns the folder of a path; empty if it has none.
 * @param {string} path
 */
export const folderOf = (path) => path.slice(0, Math.max(path.lastIndexOf("/"), 0));

/**
 * Returns the paths of files for a message.
 * @param {{ path: string }[]} files
 */
export function list(files) {
  const paths = files.map(({ path }) => path);
  const shown = paths.slice(0, MOST_PATHS).join(", ");
  return paths.length > MOST_PATHS ? `${shown} and ${paths.length - MOST_PATHS} more` : shown;
}
