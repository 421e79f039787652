// @ts-check
// Lets visitors bring files and folders: drop them anywhere on the page, or choose them.

import { byId } from "./dom.js";

/** @import { Found } from "./paths.js" */

/** More files than a model's folder has: somebody has dropped the wrong one. */
const MOST_FILES = 1000;

/** Milliseconds without a "dragover" after which the files have left the page. */
const GONE = 300;

/**
 * Returns whether it takes the files.
 * @typedef {(files: Found[]) => boolean} Taker
 */

/** @type {Taker[]} */
const takers = [];

/**
 * Offers dropped files to `taker`, before those that were added earlier.
 * @param {Taker} taker
 */
export function addTaker(taker) {
  takers.unshift(taker);
}

/**
 * Starts to take what is dropped on the page. `onError` gets the error if the files cannot be read.
 * @param {(error: Error) => void} onError
 */
export function setUpDrop(onError) {
  const hint = byId("drop-hint");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const show = (/** @type {boolean} */ shown) => {
    clearTimeout(timer);
    hint.hidden = !shown;
    if (shown) timer = setTimeout(show, GONE, false);
  };
  const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => dataTransfer?.types.includes("Files");
  for (const type of /** @type {const} */ (["dragenter", "dragover"])) {
    addEventListener(type, (event) => {
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      show(true);
    });
  }
  addEventListener("drop", async (event) => {
    if (!hasFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    show(false);
    try {
      const files = await filesOf(event.dataTransfer);
      takers.some((taker) => taker(files));
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/**
 * Sets up the buttons `NAME-files` and `NAME-folder`, which open the inputs `NAME-files-input` and `NAME-folder-input`. Passes what is
 * chosen to `take`.
 * @param {string} name
 * @param {(files: Found[]) => void} take
 */
export function setUpChoosers(name, take) {
  for (const kind of ["files", "folder"]) {
    const input = byId(`${name}-${kind}-input`);
    byId(`${name}-${kind}`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const files = chosenFiles(input);
      input.value = ""; // the same files can be chosen again
      if (files.length > 0) take(files);
    });
  }
}

/**
 * Returns the files of an input.
 * @param {HTMLInputElement} input
 * @returns {Found[]}
 */
const chosenFiles = (input) => Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));

/**
 * Resolves to the files that are dropped, and to those in dropped folders.
 * @param {DataTransfer} data
 */
export async function filesOf(data) {
  // Later, after the event, there are no items any more.
  const items = [...data.items].filter(({ kind }) => kind === "file").map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  /** @type {Found[]} */
  const found = [];
  for (const { entry, file } of items) {
    if (entry) await collect(entry, "", found);
    else if (file) found.push({ path: file.name, file });
  }
  return found;
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} folder
 * @param {Found[]} found
 */
async function collect(entry, folder, found) {
  const path = folder + entry.name;
  if (found.length >= MOST_FILES) throw new Error(`there are more than ${MOST_FILES} files in it; drop the model's own folder`);
  if (entry.isFile) {
    const { promise, resolve, reject } = Promise.withResolvers();
    /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject);
    found.push({ path, file: await promise });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    // At most 100 at a time.
    const { promise, resolve, reject } = Promise.withResolvers();
    reader.readEntries(resolve, reject);
    const entries = await promise;
    if (entries.length === 0) return;
    for (const inner of entries) await collect(inner, `${path}/`, found);
  }
}
