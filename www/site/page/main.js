// @ts-check
// Starts the page: what the address names, the form and the pickers.

import { addressOfDemo, addressOfFiles, addressOfLoad, readAddress } from "./address.js";
import { setUpBackendPicker } from "./backend-picker.js";
import { setUpAfter } from "./after.js";
import { allowsLargeModel } from "./connection.js";
import { setUpConsole } from "./console.js";
import { setUpData } from "./data/section.js";
import { fetchDemos } from "./demos.js";
import { announce, byId, setLines } from "./dom.js";
import { fetchExamples, findExample, setUpExamplePicker, showExamples, showNoExamples } from "./examples.js";
import { becomeIsolated } from "./isolation.js";
import { setUpLoadStatus } from "./load-status.js";
import { setUpModelPicker, showPicked } from "./model-picker.js";
import { models } from "./models.js";
import { setUpOwnModel } from "./own-model.js";
import { ask, clearResults, isWaiting, lastQuestion, markStale, setUpResults } from "./results.js";
import { textsFor } from "./task.js";
import { showTask } from "./task-words.js";
import { texts } from "./texts.js";
import { setUpThreadPicker, showThreads } from "./thread-picker.js";

/** @import { Demo } from "./demos.js" */
/** @import { Example } from "./examples.js" */
/** @import { Key, Model, Settings, Source } from "./model.js" */
/** @import { Choice } from "./models.js" */

const LIST = "models/models.json";

/** @type {Demo[]} */
let demos = [];
/** @type {Example[]} those of the demo on the page */
let examples = [];
/** @type {Choice[]} the models from files that the visitor has brought, by the number in the state of the history */
const brought = [];
/** What the words on the page are for, to notice a change. */
let worded = "";

const form = byId("pair");

/** Puts the models on the page that the visitor has brought or the address names, unless they are there, and the texts. */
function visit() {
  const { choice: named, load, problems } = readAddress(location.href, demos);
  const number = history.state?.brought;
  const choice = brought[number] ?? named;
  if (number !== undefined && !brought[number]) problems.push("The files of your own model are gone since the page was loaded again. Drop them once more.");
  setLines(byId("problems"), problems, "alert");
  if (models.choice?.id === choice.id) return texts.restore();
  examples = [];
  clearResults();
  texts.restore();
  const wished = models.both ?? (load && load === "both");
  models.choose(choice, { both: brought.includes(choice) || (wished ?? allowsLargeModel()) });
  showPicked(byId("model"), demos, choice);
  showWords();
}

/** @param {Model} model */
function onModelChange(model) {
  byId("compare").disabled = !models.all.some(({ state }) => ["ready", "loading", "waiting"].includes(state));
  if (model.progress) return;
  showWords();
  // Both in one announcement: a second one would replace the first before a screen reader has read it out.
  announce(models.present.map(spoken).filter(Boolean).join(". "));
}

/** Asks for the texts that the models read, in the words of the demo if it describes them. */
function showWords() {
  const { choice, task, demo } = models;
  const words = JSON.stringify([choice?.id, task, demo?.id]);
  if (words === worded) return;
  worded = words;
  showTask(task, demo, choice !== null && !choice.demo);
  if (demo?.examples) setUpExamples(demo);
  else if (exampleInBoxes()) texts.set("");
  showStaleness();
}

/**
 * What to announce about a model. A failure has its own alert.
 * @param {Model} model
 */
function spoken(model) {
  if (model.state === "ready") return `${models.nameOf(model)} is ready`;
  return model.state === "loading" ? `Loading ${models.nameOf(model)}` : "";
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

const setExample = (/** @type {Example} */ { texts: [first, second] }) => texts.set(first, second);

texts.addEventListener("change", () => {
  const example = exampleInBoxes();
  byId("example").value = example ? examples.indexOf(example) : "";
  showStaleness();
});

/** What the visitor would ask now. */
function question() {
  const { demo } = models;
  return { first: texts.first, second: texts.second, demo, example: demo ? exampleInBoxes() : undefined };
}

function setUpForm() {
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (byId("compare").disabled) return;
    ask(question(), { reveal: true });
    showStaleness();
    showStatus();
    if (!isWaiting()) return;
    byId("load").scrollIntoView({ block: "nearest" });
    announce(`${models.nameOf(models.present[0])} is still loading. The answer follows.`);
  });
  form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
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
  if (examples.length > 0 && models.demo && texts.first === "" && texts.second === "") setExample(examples[0]);
  else texts.dispatchEvent(new Event("change"));
}

/**
 * Loads the models again with other settings. If that fails, those that work stay.
 * @param {Partial<Settings>} changed
 */
async function change(changed) {
  try {
    await models.change(changed);
    setLines(byId("problems"), []);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    setLines(byId("problems"), [`The models stay as they are, because they could not be loaded again: ${reason}`], "alert");
  }
  showSettings();
}

function showSettings() {
  byId("backend").value = models.settings.backend;
  showThreads(byId("threads"), models.settings.threads);
}

/**
 * Puts a new entry into the history and shows it.
 * @param {string} address
 * @param {object | null} state
 */
function go(address, state = null) {
  texts.keep();
  history.pushState(state, "", address);
  visit();
}

/**
 * Shows models whose files the visitor has brought. No address can name them.
 * @param {Partial<Record<Key, Source>>} sources
 */
function bring(sources) {
  brought.push({ id: `brought ${brought.length}`, demo: null, sources });
  go(addressOfFiles({}, location.href), { brought: brought.length - 1 });
  showForm();
}

/** Brings the form into view, where what was loaded is used. */
function showForm() {
  form.scrollIntoView({ block: "nearest" });
  byId("pair-title").focus({ preventScroll: true });
}

/**
 * Starts the page, given the demos.
 * @param {Demo[]} list
 */
function start(list) {
  demos = list;
  models.settings = readAddress(location.href, demos).settings;
  setUpModelPicker(byId("model"), demos, (picked) => go(addressOfDemo(picked, demos, location.href)));
  addEventListener("popstate", visit);
  setUpBackendPicker(byId("backend"), (backend) => change({ backend }));
  setUpThreadPicker(byId("threads"), byId("threads-hint"), (threads) => change({ threads }));
  setUpOwnModel({
    onFiles: bring,
    onUrls(files) {
      go(addressOfFiles(files, location.href));
      showForm();
    },
  });
  setUpData();
  showSettings();
  visit();
}

setUpResults(question);
const showStatus = setUpLoadStatus(isWaiting);
models.addEventListener("both", () => history.replaceState(history.state, "", addressOfLoad(models.both ? "both" : "int8", location.href)));
models.addEventListener("change", (event) => onModelChange(/** @type {CustomEvent} */ (event).detail.model));
setUpForm();
setUpAfter();
setUpConsole();

becomeIsolated().then((reloading) => {
  if (reloading) return;
  fetchDemos(LIST).then(start, ({ message }) => {
    setLines(byId("problems"), [`The list of models, ${LIST}, could not be loaded: ${message}. Reload the page to try again.`], "alert");
  });
});
