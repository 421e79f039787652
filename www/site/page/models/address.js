// @ts-check
// The settings in the page's address: ?model=ID or ?int8=URL&fp32=URL&tokenizer=URL, and &load=, &backend=, &threads=.

import { BACKENDS, isSupported } from "../../backend.js";
import { nameOf } from "../shared/paths.js";
import { MAX_THREADS } from "./thread-picker.js";

/** @import { Backend } from "../../bert8.js" */
/** @import { Demo } from "./demos.js" */
/** @import { Settings, Source } from "./model.js" */
/** @import { Choice } from "./models.js" */

const SLOTS = /** @type {const} */ (["int8", "fp32"]);

/** The parameters that say what is on the page. */
const CHOICE = ["model", ...SLOTS, "tokenizer"];

/**
 * @typedef {object} Address
 * @property {Choice} choice
 * @property {"int8" | "both" | null} load whether FP32 is loaded too; null if the page decides
 * @property {Settings} settings
 * @property {string[]} problems what is wrong with the address. An invalid setting is replaced by its default.
 */

/**
 * Reads the settings in an address.
 * @param {string} address
 * @param {Demo[]} demos
 * @returns {Address}
 */
export function readAddress(address, demos) {
  const query = new URL(address).searchParams;
  /** @type {string[]} */
  const problems = [];
  return {
    choice: readFiles(address, problems) ?? readDemo(query, demos, problems),
    load: readLoad(query, problems),
    settings: { backend: readBackend(query, problems), threads: readThreads(query, problems) },
    problems,
  };
}

/**
 * Returns the demo as a choice.
 * @param {Demo} demo
 * @returns {Choice}
 */
export function choiceOf(demo) {
  const { id, tokenizer } = demo;
  const files = demo.files ?? {};
  const source = (/** @type {"int8" | "fp32"} */ key) => {
    const model = demo[key];
    const size = { model: files[model]?.size, tokenizer: files[tokenizer]?.size };
    const integrity = { model: files[model]?.integrity, tokenizer: files[tokenizer]?.integrity };
    return { name: nameOf(model), model, tokenizer, bytes: size.model ?? null, expected: { size, integrity } };
  };
  return { id: `demo ${id}`, demo, sources: { int8: source("int8"), fp32: source("fp32") } };
}

/**
 * Returns the address with this demo instead of the model or files that it names. The first demo needs no name.
 * @param {Demo} demo
 * @param {Demo[]} demos
 * @param {string} address
 */
export function addressOfDemo(demo, demos, address) {
  return withChoice(address, demo === demos[0] ? {} : { model: demo.id });
}

/**
 * Returns the address with these files instead of the model or files that it names.
 * @param {{ int8?: string, fp32?: string, tokenizer?: string }} files
 * @param {string} address
 */
export const addressOfFiles = (files, address) => withChoice(address, files);

/**
 * Returns the address that also says whether FP32 is loaded beside INT8.
 * @param {"int8" | "both"} load
 * @param {string} address
 */
export function addressOfLoad(load, address) {
  const url = new URL(address);
  url.searchParams.set("load", load);
  return url.href;
}

/**
 * @param {string} address
 * @param {Record<string, string | undefined>} parameters
 */
function withChoice(address, parameters) {
  const url = new URL(address);
  url.hash = "";
  for (const name of CHOICE) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Returns the file or folder of this site that a URL names, or undefined.
 * @param {string} url
 * @param {string} base
 */
export function ownFile(url, base) {
  const file = URL.canParse(url, base) ? new URL(url, base) : undefined;
  return file && file.origin === new URL(base).origin ? file.pathname + file.search : undefined;
}

/**
 * Returns what to load from the URL of a file, of a manifest or of a folder with one.
 * @param {string} url
 * @param {string} [tokenizer] by default tokenizer.json beside the file; in the folder above if the file is in a folder "onnx"
 * @returns {Source}
 */
export function sourceOf(url, tokenizer) {
  const { pathname } = new URL(url, location.href);
  if (/(\/|\.json)$/.test(pathname)) return { name: nameOf(pathname.replace(/\/(manifest\.json)?$/, "")) || pathname, manifest: url };
  const beside = pathname.replace(/(onnx\/)?[^/]*$/, "tokenizer.json");
  return { name: nameOf(pathname), model: url, tokenizer: tokenizer ?? beside };
}

/**
 * @param {string} address
 * @param {string[]} problems
 * @returns {Choice | undefined} undefined if the address names no files
 */
function readFiles(address, problems) {
  const query = new URL(address).searchParams;
  const file = (/** @type {string} */ name) => {
    const url = query.get(name);
    if (url === null) return undefined;
    const own = ownFile(url, address);
    if (!own) {
      problems.push(
        `“${name}” in this page's address is not a file on this site, and the page reads no others. Download the file and drop it on the page.`,
      );
    }
    return own;
  };
  const [int8, fp32, tokenizer] = [...SLOTS, "tokenizer"].map(file);
  if (!int8 && !fp32) {
    if (tokenizer) problems.push("“tokenizer” in this page's address belongs to no model: name it by “int8” or “fp32”.");
    return undefined;
  }
  const sources = { ...(int8 && { int8: sourceOf(int8, tokenizer) }), ...(fp32 && { fp32: sourceOf(fp32, tokenizer) }) };
  return { id: ["files", int8, fp32, tokenizer].join(" "), demo: null, sources };
}

/**
 * @param {URLSearchParams} query
 * @param {Demo[]} demos
 * @param {string[]} problems
 */
function readDemo(query, demos, problems) {
  const id = query.get("model");
  const named = id === null ? demos[0] : demos.find((demo) => demo.id === id);
  if (named) return choiceOf(named);
  problems.push(`The model “${id}” in this page's address is unknown, so “${demos[0].name}” is used instead.`);
  return choiceOf(demos[0]);
}

/**
 * @param {URLSearchParams} query
 * @param {string[]} problems
 */
function readLoad(query, problems) {
  const wanted = query.get("load");
  if (wanted === "int8" || wanted === "both") return wanted;
  if (wanted !== null) problems.push(`“load=${wanted}” in this page's address is unknown: it may be “int8” or “both”.`);
  return null;
}

/**
 * @param {URLSearchParams} query
 * @param {string[]} problems
 * @returns {Settings["backend"]}
 */
function readBackend(query, problems) {
  const wanted = query.get("backend") ?? "auto";
  const known = BACKENDS.find((name) => name === wanted);
  if (wanted === "auto" || (known && isSupported(known))) return /** @type {Backend | "auto"} */ (wanted);
  const problem = known ? "not supported by this browser" : "unknown";
  problems.push(`The backend “${wanted}” in this page's address is ${problem}, so the fastest supported backend is used instead.`);
  return "auto";
}

/**
 * @param {URLSearchParams} query
 * @param {string[]} problems
 * @returns {Settings["threads"]}
 */
function readThreads(query, problems) {
  const wanted = query.get("threads") ?? "auto";
  const count = /^\d+$/.test(wanted) ? Number(wanted) : 0;
  if (count >= 1 && count <= MAX_THREADS) return count;
  if (wanted !== "auto") {
    problems.push(`“${wanted}” in this page's address is not a number of threads from 1 to ${MAX_THREADS}, so the page chooses it.`);
  }
  return "auto";
}
