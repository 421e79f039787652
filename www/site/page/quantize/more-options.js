// @ts-check
// The options that few visitors need, and the command line that does the same.

/** @import { Fault } from "./choices.js" */
/** @import { Fields } from "./fields.js" */

import { announce } from "../shared/dom.js";
import { button, element } from "../shared/element.js";

const READS = { "": "As the model says, else as the texts have", single: "One text", pair: "A pair of texts" };

const ANSWERS = { "": "As the model says", "single-label": "One of its labels", "multi-label": "Any number of its labels", regression: "A score" };

/**
 * @param {object} options
 * @param {Fields} options.fields
 * @param {boolean} options.open
 * @param {HTMLElement} options.command shows the command line
 */
export function moreOptions({ fields, open, command }) {
  const number = { inputmode: "numeric" };
  return element("details", { class: "more", open },
    element("summary", {}, "More options"),
    group("The model",
      fields.select("reads", "It reads", READS),
      fields.select("answers", "It answers with", ANSWERS),
      fields.text("heads", "Attention heads", "Only for an ONNX export whose graph does not tell.", number),
      fields.text("logits", "Output with the logits", "Its name, only for an ONNX export with several outputs."),
      fields.check("requantize", "Take an INT8 file of another tool",
        "Goes on from its weights. The accuracy that its first quantization lost does not come back.")),
    group("The texts",
      fields.text("subsetSize", "Texts to calibrate on, at most", "Empty: 300.", number),
      fields.text("maxLength", "Tokens of a text, at most", "Longer texts are cut. Empty: 128.", number),
      fields.check("forceCalibration", "Calibrate even if the texts are too few, too alike or mostly unknown words", "The INT8 model may then answer unlike FP32.")),
    group("The result",
      fields.text("ignore", "Parts to keep in FP32",
        "Names as the report lists them, with spaces between; * stands for any characters, as in layer.5.output.*. The report's --ignore can be pasted."),
      fields.check("sensitivity", "Measure the damage of every part", "The report then says which part to keep in FP32. Each part takes as long as FP32 takes for 64 texts.")),
    element("div", { class: "same" }, element("p", { class: "hint" }, "The same on a command line, in the folder of these files:"), command));
}

/**
 * Shows a command line that can be copied.
 * @returns {{ command: HTMLElement, show: (line: string) => void }}
 */
export function commandBox() {
  const code = element("code");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      announce("The command line is copied");
      made.textContent = "Copied";
    } catch {
      getSelection()?.selectAllChildren(code);
      announce("This browser does not allow the page to copy; the command line is selected");
    }
  };
  const made = button("Copy the command", copy);
  const show = (/** @type {string} */ line) => {
    // Each argument is kept on one line if it fits.
    code.replaceChildren(...line.split(" ").flatMap((word, i) => (i === 0 ? [element("span", {}, word)] : [" ", element("span", {}, word)])));
    made.textContent = "Copy the command";
  };
  return { command: element("div", { class: "command" }, code, made), show };
}

/**
 * @param {string} name
 * @param {HTMLElement[]} fields
 */
const group = (name, ...fields) => element("fieldset", {}, element("legend", {}, name), element("div", { class: "columns" }, ...fields));
