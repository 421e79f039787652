// @ts-check
// Finds the model and the texts among files that a visitor brings.

/** @import { Found } from "../shared/paths.js" */

import { folderOf, isData, list, nameOf } from "../shared/paths.js";

/**
 * A model to quantize.
 * @typedef {object} Model
 * @property {string} path of its ONNX file or of its folder; empty if its files have no folder
 * @property {string} name for the visitor, and for the names of results
 * @property {number} bytes those of its weights
 * @property {Found[]} files those that it may consist of
 *
 * What is there, and what is wrong with it, in words for the visitor.
 * @typedef {{ model: Model | null, texts: Found | null, problem: string | null }} Sorted
 */

/** The largest weights that are quantized in a tab, in bytes. */
export const MOST_BYTES = 100e6;

const ONNX = /\.onnx$/i;
const EXTERNAL = /\.onnx[._]\w+$|\.data$/i;
const SAFETENSORS = /\.safetensors$/i;
const OTHER_WEIGHTS = /\.(bin|pt|pth|ckpt|h5|msgpack|gguf)$/i;
const INT8 = /int8|uint8|quant|q4|bnb4|(^|[^a-z0-9])q8|qdq|fp16/i;
/** The files beside the weights that tell about the model or its tokenizer. */
const BESIDE = /^(config|tokenizer|tokenizer_config|model\.safetensors\.index|vocab)\.json$|^vocab\.txt$|^(sentencepiece|spiece).*\.model$/;

/**
 * Returns the model and the texts among the files.
 * @param {Found[]} found
 * @returns {Sorted}
 */
export function sortFiles(found) {
  const files = found.filter(({ path }) => !/(^|\/)[.]/.test(path));
  const { texts, problem } = textsIn(files);
  const weights = weightsIn(files);
  if (typeof weights === "string") return { model: null, texts, problem: weights };
  if (!weights) return { model: null, texts, problem: problem ?? withoutModel(files, texts) };
  const model = modelOf(weights, files);
  const tooLarge = model.bytes > MOST_BYTES
    ? `${model.name} has ${megabytes(model.bytes)} MB of weights, and a tab quantizes at most ${megabytes(MOST_BYTES)} MB. Run bert8 quantize, which has no limit.`
    : null;
  return { model, texts, problem: tooLarge ?? problem };
}

/**
 * Adds files to those that are there. A model or texts replace the earlier ones.
 * @param {Found[]} earlier
 * @param {Found[]} added
 */
export function addFiles(earlier, added) {
  const isWeights = ({ path = "" }) => ONNX.test(path) || SAFETENSORS.test(path);
  const isTexts = ({ path = "" }) => isData(path);
  const kept = earlier.filter((file) => !added.some(({ path }) => path === file.path));
  // What belongs to another model goes with it.
  if (added.some(isWeights)) return [...kept.filter((file) => isTexts(file) && !added.some(isTexts)), ...added];
  return [...kept.filter((file) => !(isTexts(file) && added.some(isTexts))), ...added];
}

/**
 * Returns the file of texts, if there is one.
 * @param {Found[]} files
 * @returns {{ texts: Found | null, problem: string | null }}
 */
function textsIn(files) {
  const all = files.filter(({ path }) => isData(path));
  // A model's folder may hold any texts; those beside it are meant.
  const meant = all.length > 1 ? all.filter(({ path }) => !path.includes("/")) : all;
  if (meant.length <= 1) return { texts: meant[0] ?? null, problem: null };
  return { texts: null, problem: `There are ${meant.length} files of texts: ${list(meant)}. Give one of them.` };
}

/**
 * Returns the files that hold the weights of one model, or what is wrong; null if there are none.
 * @param {Found[]} files
 * @returns {Found[] | string | null}
 */
function weightsIn(files) {
  const tensors = files.filter(({ path }) => SAFETENSORS.test(path));
  if (tensors.length > 0) {
    const folders = [...new Set(tensors.map(({ path }) => folderOf(path)))];
    if (folders.length > 1) return `There are models in ${folders.length} folders: ${list(tensors)}. Give one of them.`;
    return tensors;
  }
  const graphs = files.filter(({ path }) => ONNX.test(path));
  if (graphs.length === 0) return null;
  const named = graphs.filter(({ path }) => nameOf(path) === "model.onnx");
  const plain = graphs.filter(({ path }) => !INT8.test(nameOf(path)));
  const chosen = [graphs, named, plain].find(({ length }) => length === 1);
  if (!chosen) return `There are ${graphs.length} ONNX files: ${list(graphs)}. Give the FP32 model alone, with its tokenizer.json.`;
  const [graph] = chosen;
  const external = files.filter(({ path }) => EXTERNAL.test(path) && folderOf(path) === folderOf(graph.path));
  return [graph, ...external];
}

/**
 * @param {Found[]} weights
 * @param {Found[]} files
 * @returns {Model}
 */
function modelOf(weights, files) {
  const [{ path, file }] = weights;
  const folder = folderOf(path);
  const isFolder = SAFETENSORS.test(path);
  const above = nameOf(folder) === "onnx" ? [folderOf(folder)] : [];
  const beside = files.filter((found) => BESIDE.test(nameOf(found.path)) && [folder, ...above].includes(folderOf(found.path)));
  // Files that were given one by one belong to the model, whatever folder it is in.
  const loose = files.filter((found) => !found.path.includes("/") && folder !== "" && BESIDE.test(found.path));
  const there = new Set(beside.map((found) => nameOf(found.path)));
  const moved = loose.filter((found) => !there.has(found.path)).map((found) => ({ ...found, path: `${folder}/${found.path}` }));
  return {
    path: isFolder ? folder : path,
    name: isFolder ? nameOf(folder) || "model" : file.name.replace(ONNX, "").replace(/[._-]?fp32$/i, "") || "model",
    bytes: weights.reduce((sum, { file: { size } }) => sum + size, 0),
    files: [...new Map([...weights, ...beside, ...moved].map((found) => [found.path, found])).values()],
  };
}

/**
 * Says what is missing in files without a model.
 * @param {Found[]} files
 * @param {Found | null} texts
 */
function withoutModel(files, texts) {
  const other = files.filter(({ path }) => OTHER_WEIGHTS.test(path));
  if (other.length > 0) {
    return `${list(other)}: weights in this format are not read. Save the model as model.safetensors, in Python with save_pretrained(FOLDER, safe_serialization=True).`;
  }
  if (files.length === 0) return "There are no files in it.";
  const known = files.every((found) => BESIDE.test(nameOf(found.path)) || found === texts);
  return known ? null : `None of the files is a model or a file of texts: ${list(files.filter((found) => found !== texts))}.`;
}

const megabytes = (/** @type {number} */ bytes) => Math.ceil(bytes / 1e6);
