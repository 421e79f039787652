// @ts-check
// The models that the site comes with, and what the page says about each.

/** @import { ClassifierInfo, Problem } from "../../bert8.js" */

/**
 * A model that the site comes with. Files are relative to the page; `problem`, `texts` and `labels` are those of the models.
 * @typedef {object} Demo
 * @property {string} id
 * @property {string} name
 * @property {string} [description]
 * @property {Problem} problem
 * @property {"single" | "pair"} texts
 * @property {string[]} labels
 * @property {string} int8
 * @property {string} fp32
 * @property {string} tokenizer
 * @property {string} [examples]
 * @property {string} [card] the URL of its model card
 * @property {string} [source] the URL of what it was made from
 * @property {string} [licence]
 * @property {string} [limits] what it cannot do
 * @property {string} [language] the code of the only language it knows
 * @property {Record<string, ListedFile>} [files] the model's files by their URLs, as tools/web/model-files.mjs writes it
 *
 * @typedef {{ size: number, integrity: string }} ListedFile its size in bytes and its hash
 */

/** The URL of the list. */
export const LIST = "models/models.json";

const REQUIRED = /** @type {const} */ (["id", "name", "int8", "fp32", "tokenizer"]);
const OPTIONAL = /** @type {const} */ (["description", "examples", "card", "source", "licence", "limits", "language"]);

/**
 * Downloads the list of demos.
 * @returns {Promise<Demo[]>} at least one
 */
export async function fetchDemos() {
  const response = await fetch(LIST);
  if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trimEnd());
  return checked(await response.json());
}

/** @param {any} demos */
function checked(demos) {
  if (!Array.isArray(demos) || demos.length === 0) throw new Error("it is not a list of models");
  demos.forEach((demo, i) => {
    const isText = (/** @type {string} */ name) => typeof demo?.[name] === "string";
    const wrong =
      REQUIRED.find((name) => !isText(name)) ??
      OPTIONAL.find((name) => demo[name] !== undefined && !isText(name)) ??
      (Array.isArray(demo.labels) ? undefined : "labels") ??
      (Object.values(demo.files ?? {}).every(isListed) ? undefined : "files");
    if (wrong) throw new Error(`its model ${i + 1} has no “${wrong}”`);
  });
  return demos;
}

/** @param {any} file */
const isListed = (file) => Number.isSafeInteger(file?.size) && typeof file?.integrity === "string";

/**
 * Returns whether the demo's description and examples fit a model: not if a site's owner has put another model in its place.
 * @param {Demo} demo
 * @param {ClassifierInfo} info
 */
export const fits = (demo, info) => demo.problem === info.problem && demo.labels.join("\0") === info.labels.join("\0");
