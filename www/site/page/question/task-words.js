// @ts-check
// Puts the words of a task on the page.

import { onlyLanguage } from "../models/language.js";
import { byId, setText } from "../shared/dom.js";

/** @import { Demo } from "../models/demos.js" */
/** @import { Task } from "../models/task.js" */

const RUN_HERE = "An INT8 BERT model answers next to the FP32 model it was made from. Both run in this tab.";
const RUN_OWN = "Your own model runs in this tab. Neither its files nor your texts leave it.";

/**
 * Puts the words of the task and of the demo, if its description fits, on the page. Shows one box or two.
 * @param {Task} task
 * @param {Demo | null} demo
 * @param {boolean} own whether the visitor brought the models
 */
export function showTask(task, demo, own) {
  const two = task.texts !== "single";
  setText(byId("intro"), own ? RUN_OWN : [demo?.description, RUN_HERE].filter(Boolean).join(" "));
  showAbout(demo);
  setText(byId("pair-title"), task.title);
  task.names.forEach((name, i) => setText(byId(`sentence${i + 1}-label`), name));
  for (const id of ["second", "swap"]) byId(id).hidden = !two;
  byId("example-field").hidden = !demo?.examples;
  setText(byId("compare"), task.ask);
  setText(byId("swap-what"), ` ${task.all}`);
  setText(byId("stale"), `The ${task.all} ${two ? "have" : "has"} changed since these answers. ${task.ask} again to update them.`);
  setText(byId("call"), `await ${task.call}`);
}

/**
 * Says what a demo cannot do, and where more about it is.
 * @param {Demo | null} demo
 */
function showAbout(demo) {
  const line = byId("about-model");
  const { language, limits, card, source, licence } = demo ?? {};
  const link = (/** @type {string} */ text, /** @type {string} */ url) => {
    const element = document.createElement("a");
    element.textContent = text;
    element.href = url;
    return element;
  };
  const words = [language && onlyLanguage(language), limits].filter(Boolean).join(" ");
  const parts = [card && link("Model card", card), source && link("Source", source), licence].flatMap((part) => (part ? [part] : []));
  line.replaceChildren(words, ...parts.flatMap((part, i) => [i > 0 ? " · " : " ", part]));
  line.hidden = !demo;
}
