// @ts-check
// The form: the words of the task, the texts, the examples, and asking.

import { ask, isWaiting, lastQuestion, markStale } from "../answers/results.js";
import { models } from "../models/models.js";
import { textsFor } from "../models/task.js";
import { announce, byId } from "../shared/dom.js";
import { fetchExamples, findExample, setUpExamplePicker, showExamples, showNoExamples } from "./examples.js";
import { showLoadStatus } from "./load-status.js";
import { showTask } from "./task-words.js";
import { texts } from "./texts.js";

/** @import { Demo } from "../models/demos.js" */
/** @import { Example } from "./examples.js" */

/** @type {Example[]} those of the demo on the page */
let examples = [];
/** What the words on the page are for, to notice a change. */
let worded = "";

const form = byId("pair");

/** Asks for the texts that the models read, in the words of the demo if it describes them. */
export function showWords() {
  const { choice, task, demo } = models;
  const words = JSON.stringify([choice?.id, task, demo?.id]);
  if (words === worded) return;
  worded = words;
  showTask(task, demo, choice !== null && !choice.demo);
  if (demo?.examples) setUpExamples(demo);
  else if (exampleInBoxes()) texts.set("");
  showStaleness();
}

/** Forgets the examples of a demo that leaves the page. */
export function clearExamples() {
  examples = [];
}

/** Brings the form into view, where what was loaded is used. */
export function showForm() {
  form.scrollIntoView({ block: "nearest" });
  byId("pair-title").focus({ preventScroll: true });
}

/** Marks the answers as stale if the texts have changed since. */
function showStaleness() {
  const asked = lastQuestion();
  const given = (/** @type {{ first: string, second: string }} */ { first, second }) => textsFor(models.task, first, second).join("\0");
  const stale = asked !== null && given(asked) !== given(texts);
  if (stale === byId("stale").hidden) announce(stale ? byId("stale").textContent : "");
  markStale(stale);
}

const exampleInBoxes = () => findExample(examples, texts.second === "" ? [texts.first] : [texts.first, texts.second]);

const setExample = (/** @type {Example} */ { texts: [first, second] }, options = {}) => texts.set(first, second, options);

function onTextsChange() {
  const example = exampleInBoxes();
  byId("example").value = example ? examples.indexOf(example) : "";
  showStaleness();
}

/** What the visitor would ask now. */
export function question() {
  const { demo } = models;
  return { first: texts.first, second: texts.second, demo, example: demo ? exampleInBoxes() : undefined };
}

/** Sets up the buttons, the keys and the picker of examples. */
export function setUpForm() {
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (byId("compare").disabled) return;
    ask(question(), { reveal: true });
    showStaleness();
    showLoadStatus();
    if (!isWaiting()) return;
    byId("load").scrollIntoView({ block: "nearest" });
    announce(`${models.nameOf(models.present[0])} is still loading. The answer follows.`);
  });
  form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  texts.addEventListener("change", onTextsChange);
  byId("swap").addEventListener("click", () => texts.set(texts.second, texts.first));
  byId("swap").disabled = false;
  setUpExamplePicker(byId("example"), (index) => setExample(examples[index]));
}

/**
 * Downloads the examples of the demo. The first of them fills empty boxes.
 * @param {Demo} demo
 */
async function setUpExamples(demo) {
  if (examples.length > 0) return;
  const select = byId("example");
  showNoExamples(select, "Loading the examples…");
  const found = await fetchExamples(/** @type {string} */ (demo.examples)).catch(() => null);
  if (models.choice?.demo !== demo) return;
  if (!found) return showNoExamples(select, "The examples could not be loaded");
  examples = found;
  showExamples(select, examples);
  if (examples.length > 0 && models.demo && texts.first === "" && texts.second === "") setExample(examples[0], { keeps: false });
  else onTextsChange();
}
