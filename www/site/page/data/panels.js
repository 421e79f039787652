// @ts-check
// What the section shows before there are results.

/** @import { Child } from "../shared/element.js" */
/** @import { Names, Summary } from "./types.js" */

import { announce } from "../shared/dom.js";
import { button, element, newId } from "../shared/element.js";
import { number, perSecond } from "../shared/format.js";
import { Pace, remaining } from "../timing/pace.js";

/** Milliseconds between two reports of progress. */
const REPORT_MS = 250;

/** Returns what a row is, in plural. */
export const unitOf = (/** @type {Summary} */ { texts }) => (texts === "pair" ? "pairs" : "texts");

/**
 * Shows that something of unknown length is under way.
 * @param {string} what
 * @param {() => void} [onCancel]
 * @returns {Child[]}
 */
export const waiting = (what, onCancel) => [
  element("p", {}, what),
  element("progress", { "aria-label": what }),
  onCancel && element("div", { class: "actions" }, button("Cancel", onCancel)),
];

/**
 * Asks whether to evaluate what was read.
 * @param {object} options
 * @param {string} options.name the file's
 * @param {Summary} options.summary
 * @param {Names} options.names of the models that are ready
 * @param {string[]} options.loading the names of those that are still loading
 * @param {string | null} options.note why a model takes no part
 * @param {Child} options.rowsField
 * @param {() => void} options.onStart
 * @returns {Child[]}
 */
export function offer({ name, summary, names, loading, note, rowsField, onStart }) {
  const [one, other] = Object.values(names);
  const how = `evaluate ${other ? `${one} and ${other}` : one ? `${one} alone` : ""}`.trimEnd();
  const text = summary.unusable > 0 ? `Leave ${theseRows(summary)} out and ${how}` : how.replace("e", "E");
  return [
    element("p", {}, element("strong", {}, name), `: ${described(summary)}.`),
    unusable(summary),
    rowsField,
    loading.length > 0 && element("p", { class: "hint" }, `${loading.join(" and ")} ${loading.length > 1 ? "are" : "is"} still loading.`),
    one && loading.length === 0 && note && element("p", { class: "hint" }, note),
    !one && loading.length === 0 && element("p", { class: "note" }, "No model is loaded. Load one above, then evaluate."),
    element("div", { class: "actions" }, button(text, onStart, { class: "primary", disabled: !one })),
  ];
}

/**
 * A box for the number of rows.
 * @param {number} rows how many there are
 * @param {number} most how many may be evaluated
 * @param {number} chosen
 * @param {(rows: number) => void} onChange
 */
export function rowsField(rows, most, chosen, onChange) {
  const [id, hintId] = [newId(), newId()];
  const input = element("input", { id, type: "number", min: 1, max: most, step: 1, value: chosen, "aria-describedby": hintId, inputmode: "numeric" });
  input.addEventListener("input", () => {
    const wanted = Math.floor(Number(input.value));
    if (wanted >= 1) onChange(Math.min(wanted, most));
  });
  const limit = rows > most ? ` A tab evaluates at most ${number(most)}; bert8 eval has no limit.` : "";
  const hint = `of ${number(rows)}. Fewer rows are a random sample, always the same.${limit}`;
  return element("div", { class: "field inline rows-field" }, element("label", { for: id }, "Rows"), input, element("span", { id: hintId, class: "hint" }, hint));
}

/**
 * Asks what to do about rows whose labels the models lack.
 * @param {string} name the file's
 * @param {Summary} chosen
 * @param {{ onLeaveOut: () => void, onIgnore: () => void }} on
 * @returns {Child[]}
 */
export const labelQuestion = (name, chosen, { onLeaveOut, onIgnore }) => [
  element("p", {}, element("strong", {}, name),
    chosen.rows === 0 ? ": the models lack every label." : `: ${number(chosen.unusable)} of ${number(chosen.rows + chosen.unusable)} rows have a label that the models lack.`),
  unusable(chosen),
  element("div", { class: "actions" },
    chosen.rows > 0 && button(`Leave ${theseRows(chosen)} out`, onLeaveOut, { class: "primary" }),
    button("Ignore all labels", onIgnore)),
];

/**
 * Shows how far an evaluation is. `report` gets the number of rows that are done.
 * @param {string} name the file's
 * @param {Summary} chosen
 * @param {Names} names
 * @param {() => void} onCancel
 * @returns {{ panel: Child[], report: (done: number) => void }}
 */
export function progress(name, chosen, names, onCancel) {
  const { rows } = chosen;
  const unit = unitOf(chosen);
  const who = Object.values(names).join(" and ");
  const bar = element("progress", { max: rows, value: 0, "aria-label": `Evaluating ${who}` });
  const line = element("span", {}, `0 of ${number(rows)} ${unit}`);
  announce(`Evaluating ${who} on ${number(rows)} ${unit}`);
  const pace = new Pace(performance.now());
  let [reported, quarter] = [performance.now(), 0];
  const report = (/** @type {number} */ done) => {
    const now = performance.now();
    if (now - reported < REPORT_MS && done < rows) return;
    reported = now;
    pace.mark(done, now);
    const { rate } = pace;
    const left = done < rows && rate > 0 ? remaining((rows - done) / rate) : "";
    bar.value = done;
    line.textContent = [`${number(done)} of ${number(rows)} ${unit}`, `${perSecond(rate)} per second`, left].filter(Boolean).join(" · ");
    if (Math.floor((4 * done) / rows) <= quarter || done === rows) return;
    quarter = Math.floor((4 * done) / rows);
    announce([`${25 * quarter} % of the ${unit} are done`, left].filter(Boolean).join(", "));
  };
  const title = element("p", { class: "pace" }, element("strong", {}, name), `, ${who}: `, line);
  return { panel: [title, bar, element("div", { class: "actions" }, button("Cancel", onCancel))], report };
}

/**
 * Says what went wrong.
 * @param {string} problem
 * @param {(() => void) | null} onAgain tries again, if that may help
 */
export function failure(problem, onAgain) {
  const sentence = /[.!?]$/.test(problem) ? problem : `${problem}.`;
  // The name of a file stays as it is.
  const text = sentence.replace(/^[a-z]+(?= )/, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return element("div", { class: "alert", role: "alert" }, element("p", {}, text), onAgain && button("Evaluate again", onAgain));
}

/** @param {Summary} summary */
function described(summary) {
  const { rows, labelled } = summary;
  const unit = rows === 1 ? unitOf(summary).slice(0, -1) : unitOf(summary);
  const labels = labelled === 0 ? "without labels" : labelled < rows ? `${number(labelled)} of them with a label` : rows === 1 ? "with a label" : "each with a label";
  return `${number(rows)} ${unit}, ${labels}`;
}

/** @param {Summary} summary */
const theseRows = ({ unusable }) => (unusable === 1 ? "this row" : "these rows");

/** More reasons than these are folded. */
const MOST_REASONS = 3;

/** @param {Summary} summary */
function unusable({ unusable, reasons }) {
  if (unusable === 0) return null;
  const more = unusable - reasons.length;
  const list = element("ul", {}, ...reasons.map((reason) => element("li", {}, reason)), more > 0 && element("li", {}, `and ${number(more)} more`));
  return element("div", { class: "note unusable" },
    element("p", {}, `${number(unusable)} ${unusable === 1 ? "row" : "rows"} cannot be used:`),
    unusable > MOST_REASONS ? element("details", {}, element("summary", {}, reasons[0]), list) : list);
}
