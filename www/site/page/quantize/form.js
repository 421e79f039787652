// @ts-check
// Shows what was given, what is missing, and how to quantize.

/** @import { Child } from "../data/element.js" */
/** @import { Sorted } from "./files.js" */

import { button, element, newId } from "../data/element.js";
import { megabytes } from "../format.js";

/** What the presets are for, the usual one first. */
const PRESETS = { balanced: "Balanced (usual)", fast: "Fast: simpler methods", best: "Best: also searches ranges" };

/**
 * How the visitor wants to quantize.
 * @typedef {{ preset: string, skipBadRows: boolean }} Choices
 */

/**
 * @param {object} options
 * @param {Sorted} options.sorted
 * @param {{ text: string, refused: boolean } | null} options.memory null until both files are there
 * @param {Choices} options.choices changed as the visitor chooses
 * @param {() => void} options.onStart
 * @returns {Child[]}
 */
export function form({ sorted: { model, texts, problem }, memory, choices, onStart }) {
  const [presetId, rowsId, memoryId] = [newId(), newId(), newId()];
  const preset = element("select", { id: presetId, autocomplete: "off" });
  preset.append(...Object.entries(PRESETS).map(([value, name]) => new Option(name, value, false, value === choices.preset)));
  preset.addEventListener("change", () => (choices.preset = preset.value));
  const skip = element("input", { id: rowsId, type: "checkbox", checked: choices.skipBadRows });
  skip.addEventListener("change", () => (choices.skipBadRows = skip.checked));
  const ready = model !== null && texts !== null && problem === null && !memory?.refused;
  return [
    element("p", { class: "given" }, "Model: ", element("strong", {}, model ? model.name : "not given yet"), model && ` (${megabytes(model.bytes)} MB)`,
      element("br"), "Texts: ", element("strong", {}, texts ? texts.path : "not given yet")),
    problem && element("p", { class: "alert", role: "alert" }, problem),
    !problem && next(model !== null, texts !== null),
    element("div", { class: "columns" },
      element("div", { class: "field" }, element("label", { for: presetId }, "Preset"), preset),
      element("div", { class: "field check" }, skip, element("label", { for: rowsId }, "Leave out rows that cannot be used"))),
    memory && element("p", { id: memoryId, class: memory.refused ? "alert" : "hint" }, memory.text),
    element("div", { class: "actions" },
      button("Quantize", onStart, { class: "primary", disabled: !ready, ...(memory && { "aria-describedby": memoryId }) })),
  ];
}

/**
 * Says what is missing.
 * @param {boolean} hasModel
 * @param {boolean} hasTexts
 */
function next(hasModel, hasTexts) {
  if (hasModel && hasTexts) return null;
  const missing = !hasModel && !hasTexts ? "the model and the texts" : hasModel ? "the texts to calibrate on" : "the model, with its tokenizer.json";
  return element("p", { class: "note" }, `Now give ${missing}.`);
}
