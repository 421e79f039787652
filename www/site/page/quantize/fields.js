// @ts-check
// Makes the fields of the form. Each has a label, a hint if it needs one, and what is wrong with the choice, if anything is.

/** @import { Choices, Fault } from "./choices.js" */

import { element, newId } from "../shared/element.js";
import { sentence } from "./sentence.js";

/** What to do about a fault beside its field. */
const ADVICE = /** @type {Partial<Record<keyof Choices, string>>} */ ({
  skipBadRows: "mend the row, or leave out rows that cannot be used",
  forceCalibration: "give more texts, or tick this to calibrate on these all the same",
  reads: "give other texts, or choose here what the model reads",
  answers: "choose another answer",
  requantize: "use the FP32 model that it was made from, or tick this to go on from its weights",
  heads: "give their number here",
  logits: "name it here",
});

/** Makes fields that change `choices`. */
export class Fields {
  #choices;
  #fault;
  #onChange;

  /**
   * @param {Choices} choices
   * @param {Fault | null} fault
   * @param {() => void} onChange called after each change
   */
  constructor(choices, fault, onChange) {
    this.#choices = choices;
    this.#fault = fault;
    this.#onChange = onChange;
  }

  /**
   * A choice of one of several values.
   * @param {"preset" | "reads" | "answers"} choice
   * @param {string} label
   * @param {Record<string, string>} names those of the values
   */
  select(choice, label, names) {
    const select = element("select", { autocomplete: "off" });
    select.append(...Object.entries(names).map(([value, name]) => new Option(name, value, false, value === this.#choices[choice])));
    select.addEventListener("change", () => this.#change(choice, select.value));
    return this.#field(choice, label, select);
  }

  /**
   * A text or a number.
   * @param {"heads" | "logits" | "subsetSize" | "maxLength" | "ignore"} choice
   * @param {string} label
   * @param {string} hint
   * @param {Record<string, unknown>} [attributes]
   */
  text(choice, label, hint, attributes = {}) {
    const input = element("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...attributes });
    input.value = this.#choices[choice];
    input.addEventListener("input", () => this.#change(choice, input.value));
    return this.#field(choice, label, input, hint);
  }

  /**
   * A choice between yes and no.
   * @param {"skipBadRows" | "forceCalibration" | "requantize" | "sensitivity"} choice
   * @param {string} label
   * @param {string} [hint]
   */
  check(choice, label, hint) {
    const box = element("input", { type: "checkbox", autocomplete: "off" });
    box.checked = this.#choices[choice];
    box.addEventListener("change", () => this.#change(choice, box.checked));
    return this.#field(choice, label, box, hint);
  }

  /**
   * @template {keyof Choices} Choice
   * @param {Choice} choice
   * @param {Choices[Choice]} value
   */
  #change(choice, value) {
    this.#choices[choice] = value;
    this.#onChange();
  }

  /**
   * @param {keyof Choices} choice
   * @param {string} label
   * @param {HTMLInputElement | HTMLSelectElement} control
   * @param {string} [hint]
   */
  #field(choice, label, control, hint) {
    const { choice: faulty, message } = this.#fault ?? {};
    const advice = ADVICE[choice];
    const fault = faulty === choice && element("p", { id: newId(), class: "alert", role: "alert" }, sentence([message, advice].filter(Boolean).join("; ")));
    const help = hint !== undefined && element("p", { id: newId(), class: "hint" }, hint);
    const described = [fault, help].map((part) => part && part.id).filter(Boolean).join(" ");
    control.id = newId();
    if (described) control.setAttribute("aria-describedby", described);
    if (fault) control.setAttribute("aria-invalid", "true");
    const name = element("label", { for: control.id }, label);
    return control.type === "checkbox"
      ? element("div", { class: "field check" }, control, name, fault, help)
      : element("div", { class: "field" }, name, control, fault, help);
  }
}
