// @ts-check
// Shows what was given, what is missing, and how to quantize.

/** @import { Child } from "../shared/element.js" */
/** @import { Choices, Fault } from "./choices.js" */
/** @import { Sorted } from "./files.js" */

import { button, element, newId } from "../shared/element.js";
import { megabytes } from "../shared/format.js";
import { Fields } from "./fields.js";
import { commandBox, moreOptions } from "./more-options.js";

/** What the presets are for, the usual one first. */
const PRESETS = { balanced: "Balanced (usual)", fast: "Fast: simpler methods" };

/**
 * @param {object} options
 * @param {Sorted} options.sorted
 * @param {() => { text: string, refused: boolean } | null} options.memory returns what to say about it; null until both files are there
 * @param {() => string} options.command returns the command line that does the same
 * @param {Choices} options.choices changed as the visitor chooses
 * @param {Fault | null} options.fault
 * @param {boolean} options.open whether to show more options
 * @param {() => void} options.onStart
 * @returns {Child[]}
 */
export function form({ sorted: { model, texts, problem }, memory, command, choices, fault, open, onStart }) {
  const start = button("Quantize", onStart, { class: "primary" });
  const needs = element("p", { id: newId() });
  const shown = commandBox();
  const update = () => {
    const needed = memory();
    needs.hidden = needed === null;
    needs.textContent = needed?.text ?? "";
    needs.className = needed?.refused ? "alert" : "hint";
    start.disabled = model === null || texts === null || problem !== null || needed?.refused === true;
    if (needed) start.setAttribute("aria-describedby", needs.id);
    shown.show(command());
  };
  const fields = new Fields(choices, fault, update);
  update();
  return [
    element("p", { class: "given" }, "Model: ", element("strong", {}, model ? model.name : "not given yet"), model && ` (${megabytes(model.bytes)} MB)`,
      element("br"), "Texts: ", element("strong", {}, texts ? texts.path : "not given yet")),
    problem && element("p", { class: "alert", role: "alert" }, problem),
    !problem && next(model !== null, texts !== null),
    element("div", { class: "columns" },
      fields.select("preset", "Preset", PRESETS),
      fields.check("skipBadRows", "Leave out rows that cannot be used")),
    moreOptions({ fields, open, command: shown.command }),
    needs,
    element("div", { class: "actions" }, start),
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
