// @ts-check
// Starts the page, and puts on it what the address names, what the visitor picks and what the visitor brings.

import { setUpAfter } from "./answers/after.js";
import { clearResults, setUpResults } from "./answers/results.js";
import { setUpConsole } from "./console.js";
import { setUpData } from "./data/section.js";
import { addressOfDemo, addressOfFiles, addressOfLoad, readAddress } from "./models/address.js";
import { setUpBackendPicker } from "./models/backend-picker.js";
import { allowsLargeModel } from "./models/connection.js";
import { LIST, fetchDemos } from "./models/demos.js";
import { setUpModelPicker, showPicked } from "./models/model-picker.js";
import { models } from "./models/models.js";
import { setUpThreadPicker, showThreads } from "./models/thread-picker.js";
import { setUpOwnModel } from "./own-model/section.js";
import { setUpQuantize } from "./quantize/section.js";
import { clearExamples, question, setUpForm, showForm, showWords } from "./question/form.js";
import { setUpLoadStatus } from "./question/load-status.js";
import { texts } from "./question/texts.js";
import { becomeIsolated } from "./service-worker/isolation.js";
import { setUpOffline } from "./service-worker/offline.js";
import { announce, byId, setLines } from "./shared/dom.js";

/** @import { Demo } from "./models/demos.js" */
/** @import { Key, Model, Settings, Source } from "./models/model.js" */
/** @import { Choice } from "./models/models.js" */

const GONE = "The files of your own model are gone since the page was loaded again. Drop them once more.";

/** @type {Demo[]} */
let demos = [];
/** @type {Choice[]} the models from files that the visitor has brought, by the number in the state of the history */
const brought = [];

/** What was said last about the models. */
let announced = "";

/** Puts the models on the page that the visitor has brought or the address names, unless they are there, and the texts. */
function visit() {
  const { choice: named, load, problems } = readAddress(location.href, demos);
  const number = history.state?.brought;
  const choice = brought[number] ?? named;
  if (number !== undefined && !brought[number]) problems.push(GONE);
  setLines(byId("problems"), problems, "alert");
  if (models.choice?.id === choice.id) return texts.restore();
  clearExamples();
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
  const news = models.present.map(spoken).filter(Boolean).join(". ");
  if (news !== announced) announce(news);
  announced = news;
}

/**
 * What to announce about a model. A failure has its own alert.
 * @param {Model} model
 */
function spoken(model) {
  if (model.state === "ready") return `${models.nameOf(model)} is ready`;
  return model.state === "loading" ? `Loading ${models.nameOf(model)}` : "";
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
  setUpQuantize(bring);
  setUpData();
  showSettings();
  visit();
}

setUpResults(question);
setUpLoadStatus();
models.addEventListener("both", () => history.replaceState(history.state, "", addressOfLoad(models.both ? "both" : "int8", location.href)));
models.addEventListener("change", (event) => onModelChange(/** @type {CustomEvent} */ (event).detail.model));
setUpForm();
setUpAfter();
setUpConsole();

becomeIsolated().then((reloading) => {
  if (reloading) return;
  setUpOffline();
  fetchDemos().then(start, ({ message }) => {
    setLines(byId("problems"), [`The list of models, ${LIST}, could not be loaded: ${message}. Reload the page to try again.`], "alert");
  });
});
