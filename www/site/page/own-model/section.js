// @ts-check
// Takes a model that the visitor brings: files and folders that are dropped or chosen, or URLs on this site.

import { ownFile } from "../models/address.js";
import { byId, setText } from "../shared/dom.js";
import { addTaker, setUpChoosers, setUpDrop } from "../shared/drop.js";
import { addFiles, sortFiles } from "./files.js";

/** @import { Key, Source } from "../models/model.js" */
/** @import { Found } from "../shared/paths.js" */

/**
 * @typedef {object} Takers
 * @property {(sources: Partial<Record<Key, Source>>) => void} onFiles takes what is to be loaded
 * @property {(files: { int8?: string, fp32?: string, tokenizer?: string }) => void} onUrls takes URLs on this site
 */

/** @type {Found[]} files that did not suffice */
let pending = [];

/**
 * Sets up the part of the page for the visitor's own model.
 * @param {Takers} takers
 */
export function setUpOwnModel({ onFiles, onUrls }) {
  const take = (/** @type {Found[]} */ files) => {
    pending = addFiles(pending, files);
    const { sources, problem } = sortFiles(pending);
    say(problem ?? "");
    if (!sources) return open();
    pending = [];
    onFiles(sources);
  };
  addTaker((files) => {
    take(files);
    return true;
  });
  setUpDrop(({ message }) => {
    open();
    say(`What was dropped could not be read: ${message}.`);
  });
  byId("own-open").addEventListener("click", open);
  setUpChoosers("own", take);
  byId("own-urls").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    takeUrls(onUrls);
  });
}

/**
 * Reads the boxes for URLs.
 * @param {Takers["onUrls"]} onUrls
 */
function takeUrls(onUrls) {
  const files = Object.fromEntries(["int8", "fp32", "tokenizer"].map((name) => [name, byId(`own-${name}`).value.trim()]));
  const given = Object.entries(files).filter(([, url]) => url !== "");
  if (!files.int8 && !files.fp32) return refuse("int8", "Enter the address of a model: an ONNX file, a manifest.json or a folder with one.");
  const foreign = given.find(([, url]) => !ownFile(url, location.href));
  if (foreign) {
    const advice = "Download the files and drop them here, or put them on this site.";
    return refuse(foreign[0], `${foreign[1]} is not on this site, and the page reads nothing from elsewhere. ${advice}`);
  }
  say("");
  onUrls(Object.fromEntries(given));
}

/**
 * @param {string} name the box to mend
 * @param {string} problem
 */
function refuse(name, problem) {
  for (const other of ["int8", "fp32", "tokenizer"]) byId(`own-${other}`).toggleAttribute("aria-invalid", other === name);
  say(problem);
  byId(`own-${name}`).focus();
}

/** Brings this part of the page into view. */
function open() {
  byId("own").scrollIntoView({ block: "nearest" });
  byId("own-title").focus({ preventScroll: true });
}

/** @param {string} problem */
function say(problem) {
  setText(byId("own-problem"), problem);
  byId("own-problem").hidden = problem === "";
}
