// @ts-check
// Finds the models and the tokenizer among files that a visitor brings.

/** @import { Key, Source } from "../models/model.js" */
/** @import { Found } from "../shared/paths.js" */

/**
 * Models to load, or what is missing, in words for the visitor.
 * @typedef {{ sources: Partial<Record<Key, Source>>, problem?: undefined } | { problem: string, sources?: undefined }} Sorted
 */

import { folderOf, list, nameOf } from "../shared/paths.js";

const MODEL = /\.onnx$/i;
const EXTERNAL = /\.onnx[._]\w+$/i;
const WEIGHTS = /\.(safetensors|bin|pt|pth|h5|msgpack|gguf)$/i;
const INT8 = /int8|quant|(^|[^a-z0-9])q8|qdq/i;
const FP32 = /fp32|float/i;

const WANTED = "an ONNX file and its tokenizer.json";

/**
 * Returns the models among the files.
 * @param {Found[]} found
 * @returns {Sorted}
 */
export function sortFiles(found) {
  const files = found.filter(({ path }) => !/(^|\/)[.]/.test(path));
  if (files.length === 0) return { problem: `There are no files in it. Drop ${WANTED}, or a folder with both.` };
  const all = files.filter(({ path }) => MODEL.test(path));
  if (all.length === 0) return { problem: withoutModel(files) };
  const chosen = all.length <= 2 ? all : byName(all);
  if (!chosen) {
    const advice = "Drop one of them, or an INT8 and an FP32 file to compare, with tokenizer.json.";
    return { problem: `There are ${all.length} ONNX files: ${list(all)}. ${advice}` };
  }
  const external = files.filter(({ path }) => EXTERNAL.test(path) && chosen.some((model) => path.startsWith(model.path)));
  if (external.length > 0) {
    const advice = "which a browser cannot read beside the model. bert8 convert MODEL -o model.fp32.onnx joins them.";
    return { problem: `The weights are in a file of their own, ${list(external)}, ${advice}` };
  }
  /** @type {Source[]} */
  const sources = [];
  for (const { path, file } of chosen) {
    const tokenizer = tokenizerOf(path, files);
    if (!tokenizer) return { problem: withoutTokenizer(path, files) };
    sources.push({ name: file.name, model: file, tokenizer: tokenizer.file });
  }
  return { sources: assigned(sources) };
}

/**
 * Adds files to those that did not suffice before. A model or a tokenizer replaces the earlier ones.
 * @param {Found[]} earlier
 * @param {Found[]} added
 */
export function addFiles(earlier, added) {
  const isTokenizer = ({ path = "" }) => nameOf(path) === "tokenizer.json";
  const isModel = ({ path = "" }) => MODEL.test(path);
  const replaced = [isModel, isTokenizer].filter((kind) => added.some(kind));
  return [...earlier.filter((file) => !replaced.some((kind) => kind(file))), ...added];
}

/**
 * Returns one INT8 and one FP32 file whose names say so, or one of them, or undefined.
 * @param {Found[]} files
 */
function byName(files) {
  const [int8, fp32] = [INT8, FP32].map((pattern) => files.filter(({ path }) => pattern.test(nameOf(path))));
  const chosen = [...int8, ...fp32];
  return int8.length <= 1 && fp32.length <= 1 && chosen.length > 0 && int8[0] !== fp32[0] ? chosen : undefined;
}

/**
 * Returns the tokenizer beside a model, or in the folder above, or the only one.
 * @param {string} path
 * @param {Found[]} files
 */
function tokenizerOf(path, files) {
  const all = files.filter((file) => nameOf(file.path) === "tokenizer.json");
  const beside = folderOf(path);
  const within = (/** @type {string} */ folder) => all.find((file) => folderOf(file.path) === folder);
  return within(beside) ?? within(folderOf(beside)) ?? (all.length === 1 ? all[0] : undefined);
}

/**
 * Puts each source where its name, or else its size, says that it belongs. The models' own words count once they are loaded.
 * @param {Source[]} sources
 * @returns {Partial<Record<Key, Source>>}
 */
function assigned([one, other]) {
  const looksLikeInt8 = INT8.test(one.name);
  if (!other) return looksLikeInt8 || !FP32.test(one.name) ? { int8: one } : { fp32: one };
  const size = (/** @type {Source} */ { model }) => /** @type {File} */ (model).size;
  const first = looksLikeInt8 === INT8.test(other.name) ? size(one) <= size(other) : looksLikeInt8;
  return first ? { int8: one, fp32: other } : { int8: other, fp32: one };
}

/** @param {Found[]} files */
function withoutModel(files) {
  if (files.some(({ path }) => WEIGHTS.test(path))) {
    const advice = "Give them below, where it says “Quantize here”, or run bert8 quantize.";
    return `These are weights for PyTorch or another framework, and the page runs ONNX files. ${advice}`;
  }
  if (files.every(({ path }) => nameOf(path) === "tokenizer.json")) return "The tokenizer is here. Now drop the model too, an ONNX file.";
  return `None of the files is a model: ${list(files)}. Drop ${WANTED}.`;
}

/**
 * @param {string} path
 * @param {Found[]} files
 */
function withoutTokenizer(path, files) {
  const several = files.filter((file) => nameOf(file.path) === "tokenizer.json").length > 1;
  if (several) return `Which of the files tokenizer.json belongs to ${nameOf(path)}? Drop the model with its own.`;
  const vocabulary = files.some((file) => /^(vocab\.(txt|json)|sentencepiece\.bpe\.model)$/.test(nameOf(file.path)));
  const advice = vocabulary ? " A folder without one gets it by bert8 tokenizer FOLDER -o tokenizer.json." : "";
  return `${nameOf(path)} is here. Now drop its tokenizer.json too.${advice}`;
}
