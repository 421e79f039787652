// @ts-check
// Shows how far quantizing is, stage by stage.

/** @import { Child } from "../shared/element.js" */
/** @import { Step } from "./run.js" */

import { announce } from "../shared/dom.js";
import { button, element } from "../shared/element.js";
import { number } from "../shared/format.js";
import { Pace, remaining } from "../timing/pace.js";

/** Milliseconds between two reports of one stage. */
const REPORT_MS = 250;

/**
 * Shows nothing but that the quantizer starts, until `report` gets a step.
 * @param {string} name the model's
 * @param {() => void} onCancel
 * @returns {{ panel: Child[], report: (step: Step) => void }}
 */
export function progress(name, onCancel) {
  const line = element("span", {}, "starting");
  const bar = element("progress", { "aria-label": `Quantizing ${name}` });
  announce(`Quantizing ${name}`);
  let stage = "";
  let pace = new Pace(performance.now());
  let reported = -Infinity;
  const report = (/** @type {Step} */ step) => {
    const now = performance.now();
    if (step.stage !== stage) {
      stage = step.stage;
      pace = new Pace(now);
      reported = -Infinity;
      announce(`Quantizing ${name}: ${stage}`);
    }
    if (now - reported < REPORT_MS && step.done < step.total) return;
    reported = now;
    pace.mark(step.done, now);
    const left = step.done > 0 && step.done < step.total && pace.rate > 0 ? remaining((step.total - step.done) / pace.rate) : "";
    bar.max = Math.max(step.total, 1);
    if (step.done > 0) bar.value = step.done;
    else bar.removeAttribute("value");
    line.textContent = [stage, step.done > 0 && `${number(step.done)} of ${number(step.total)}`, left].filter(Boolean).join(" · ");
  };
  const title = element("p", { class: "pace" }, element("strong", {}, name), ": ", line);
  return { panel: [title, bar, element("div", { class: "actions" }, button("Cancel", onCancel))], report };
}
