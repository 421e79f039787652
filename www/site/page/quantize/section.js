// @ts-check
// Takes a model to quantize and texts to calibrate on: files that are dropped or chosen. Everything else is loaded when there are some.

/** @import { Key, Source } from "../models/model.js" */
/** @import { Found } from "../shared/paths.js" */
/** @import { Quantization } from "./quantization.js" */

import { byId } from "../shared/dom.js";
import { addTaker, filesOf, setUpChoosers } from "../shared/drop.js";

/** @typedef {(sources: Partial<Record<Key, Source>>) => void} OnModels puts models on the page */

/**
 * Sets the section up.
 * @param {OnModels} onModels
 */
export function setUpQuantize(onModels) {
  const [drop, view] = ["quantize-drop", "quantize-view"].map(byId);
  /** @type {Promise<Quantization> | undefined} */
  let quantization;
  const open = async () => {
    try {
      quantization ??= import("./quantization.js").then(({ Quantization }) => new Quantization(view, onModels));
      return await quantization;
    } catch {
      quantization = undefined;
      view.textContent = "The scripts for quantizing could not be loaded. Check the connection, then try again.";
    }
  };
  const take = async (/** @type {Found[]} */ found) => (await open())?.take(found);

  setUpChoosers("quantize", take);
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  // Here, every file is for quantizing; elsewhere on the page, only what nothing else can use.
  drop.addEventListener("drop", async (/** @type {DragEvent} */ event) => {
    drop.classList.remove("over");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    const found = filesOf(event.dataTransfer);
    const opened = await open();
    await found.then((files) => opened?.take(files), (/** @type {Error} */ { message }) => opened?.refuse(`What was dropped could not be read: ${message}.`));
  });
  addTaker((found) => {
    const has = (/** @type {RegExp} */ ending) => found.some(({ path }) => ending.test(path));
    const takes = has(/\.safetensors$/i) && !has(/\.onnx$/i);
    if (takes) take(found).then(() => byId("quantize").scrollIntoView({ block: "nearest" }));
    return takes;
  });
}
