import { addressOf, readAddress } from "./address.js";
import { setUpBackendPicker } from "./backend-picker.js";
import { Card } from "./card.js";
import { setUpConsole } from "./console.js";
import { fetchDemos, fits } from "./demos.js";
import { announce, byId, setLines } from "./dom.js";
import { fetchExamples, findExample, setUpExamplePicker, showExamples, showNoExamples } from "./examples.js";
import { becomeIsolated } from "./isolation.js";
import { Model } from "./model.js";
import { setUpModelPicker, showPicked } from "./model-picker.js";
import { alone, race } from "./race.js";
import { Scale } from "./scale.js";
import { clearSummary, showSummary } from "./summary.js";
import { UNKNOWN, showTask, taskOf, textsFor } from "./task.js";
import { setUpThreadPicker } from "./thread-picker.js";
import { isScore } from "./verdict.js";

const LIST = "models/models.json";

const models = { int8: new Model("int8", "INT8"), fp32: new Model("fp32", "FP32") };
const cards = {};
const drafts = new Map(); // the texts in the boxes when the visitor chose another model, by address
let demos = [];
let choice = null; // what the address names: the demo on the page, and the files to load
let settings = { backend: "auto", threads: "auto" }; // how to load the models
let task = UNKNOWN; // until a model is loaded, a guess
let demo = null; // the chosen demo if it describes the models that are loaded, otherwise null
let examples = [];
let asked = null; // the question that the answers on the page belong to: { task, demo, texts, example }
let scale = new Scale();
let generation = 0; // counts how often both models were loaded

const form = byId("pair");
const first = byId("sentence1");
const second = byId("sentence2");

/** Puts the models on the page that the address names, unless they are there. */
function visit() {
  const next = { ...readAddress(location.href, demos), address: location.search };
  setLines(byId("problems"), next.problems, "alert");
  const files = (choice) => choice && Object.values(choice.files).join("\n");
  if (files(choice) === files(next)) return;
  if (choice) drafts.set(choice.address, [first.value, second.value]);
  unloadModels(); // while they still are what `choice` says
  choice = next;
  asked = null;
  examples = [];
  const { int8, fp32, tokenizer } = choice.files;
  models.int8.files = { model: int8, tokenizer };
  models.fp32.files = { model: fp32, tokenizer };
  byId("results").removeAttribute("aria-busy");
  showPicked(byId("model"), demos, choice);
  setTexts(...(drafts.get(choice.address) ?? [""]));
  if (choice.own) setTask(UNKNOWN, null);
  else setTask(taskOf(choice.demo), choice.demo);
  loadModels();
}

/** Loads INT8 first: it is smaller, and the page is already useful with it alone. */
async function loadModels() {
  const current = ++generation;
  clearSummary();
  scale = new Scale();
  unloadModels();
  await models.int8.load(settings);
  if (current === generation) await models.fp32.load(settings);
}

function unloadModels() {
  for (const model of Object.values(models)) model.unload();
}

function onModelChange(model) {
  const all = Object.values(models);
  const ready = all.find(({ state }) => state === "ready");
  if (ready) {
    const { info } = ready.classifier;
    const [fittingTask, fittingDemo] = [taskOf(info), fits(choice.demo, info) ? choice.demo : null];
    if (task !== fittingTask || demo !== fittingDemo) setTask(fittingTask, fittingDemo);
  }
  byId("compare").disabled = !ready;
  if (model.progress) return;
  // Both in one announcement: a second one would replace the first before a screen reader has read it out.
  announce(all.map(spoken).filter(Boolean).join(". "));
  if (model.state === "ready" && asked) answer({ ...asked });
}

/** Asks for the texts that the models read, in the words of the demo if it describes them. */
function setTask(fittingTask, fittingDemo) {
  task = fittingTask;
  demo = fittingDemo;
  showTask(task, demo);
  if (demo?.examples) setUpExamples();
  else if (exampleInBoxes()) setTexts("");
  showStaleness();
}

/** What to announce about a model. A failure has its own alert. */
function spoken({ name, state }) {
  return { ready: `${name} is ready`, loading: `Loading ${name}` }[state];
}

/** Asks every model that is ready and shows the answers. A later call, for new texts or a newly loaded model, replaces this one. */
function answer(question) {
  asked = question;
  byId("results").setAttribute("aria-busy", "true");
  byId("answer-key").replaceChildren();
  return alone(async () => {
    const current = generation;
    const answers = {};
    const infos = {};
    const wanted = () => asked === question;
    if (!wanted()) return;
    Object.values(cards).forEach((card) => card.showBusy(question.task.asking));
    const ready = Object.entries(models).filter(([, { classifier }]) => classifier);
    const entrants = ready.map(([key, model]) => [key, entrant(model, question)]);
    const onAnswer = (key, answer) => {
      answers[key] = answer;
      infos[key] = models[key].classifier.info;
      cards[key].showAnswer(answer, infos[key]);
      if (isScore(answer)) scale.include(answer.score);
      Object.values(cards).forEach((card) => card.drawScale(scale));
    };
    const result = await race(Object.fromEntries(entrants), { onAnswer, wanted });
    if (!result) return;
    byId("results").setAttribute("aria-busy", "false");
    if (current !== generation) return; // the models are being reloaded
    for (const key of Object.keys(answers)) {
      if (result.times[key]) cards[key].showTimes(result.times[key], question.task);
      else delete answers[key]; // the model stopped working
    }
    showSummary(question, answers, infos, result);
    showStaleness();
  });
}

/** Returns a function that asks the model once. It resolves to undefined if the model fails or has been reloaded. */
function entrant(model, { texts }) {
  const { classifier } = model;
  return async () => {
    if (model.classifier !== classifier) return undefined;
    try {
      const answer = await classifier.classify(...texts);
      return model.classifier === classifier ? answer : undefined;
    } catch (error) {
      if (model.classifier === classifier) model.fail(error);
    }
  };
}

/** Marks the answers as stale if the texts have changed since, and hides the answer key. */
function showStaleness() {
  const stale = asked !== null && asked.texts.join("\0") !== currentTexts().join("\0");
  if (stale === byId("stale").hidden) announce(stale ? byId("stale").textContent : "");
  byId("stale").hidden = !stale;
  byId("answer-key").hidden = stale;
  byId("results").classList.toggle("stale", stale);
}

const currentTexts = () => textsFor(task, first.value, second.value);
const exampleInBoxes = () => findExample(examples, second.value === "" ? [first.value] : [first.value, second.value]);

function onTextsChange() {
  const example = exampleInBoxes();
  byId("example").value = example ? examples.indexOf(example) : "";
  showStaleness();
}

function setTexts(a, b = "") {
  first.value = a;
  second.value = b;
  onTextsChange();
}

function setUpForm() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("compare").disabled) return;
    answer({ task, demo, texts: currentTexts(), example: demo ? exampleInBoxes() : undefined });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  for (const box of [first, second]) box.addEventListener("input", onTextsChange);
  byId("swap").addEventListener("click", () => setTexts(second.value, first.value));
  byId("swap").disabled = false;
  setUpExamplePicker(byId("example"), (index) => setTexts(...examples[index].texts));
}

/** Downloads the examples of the demo. The first of them fills empty boxes. */
async function setUpExamples() {
  if (examples.length > 0) return;
  const select = byId("example");
  const wanted = choice;
  showNoExamples(select, "Loading the examples…");
  const found = await fetchExamples(demo.examples).catch(() => null);
  if (choice !== wanted) return;
  if (!found) return showNoExamples(select, "The examples could not be loaded");
  examples = found;
  showExamples(select, examples);
  if (examples.length > 0 && demo && first.value === "" && second.value === "") setTexts(...examples[0].texts);
  else onTextsChange();
}

/** Starts the page, given the demos. */
function start(list) {
  demos = list;
  const { backend, threads } = readAddress(location.href, demos);
  settings = { backend, threads };
  setUpModelPicker(byId("model"), demos, (picked) => {
    history.pushState(null, "", addressOf(picked, demos, location.href));
    visit();
  });
  addEventListener("popstate", visit);
  const change = (changed) => {
    settings = { ...settings, ...changed };
    loadModels();
  };
  setUpBackendPicker(byId("backend"), backend, (backend) => change({ backend }));
  setUpThreadPicker(byId("threads"), byId("threads-hint"), threads, (threads) => change({ threads }));
  visit();
}

for (const [key, model] of Object.entries(models)) {
  cards[key] = new Card(model, () => model.load(settings));
  byId("cards").append(cards[key].element);
  model.addEventListener("change", () => onModelChange(model));
}
setUpForm();
setUpConsole(models);

becomeIsolated().then((reloading) => {
  if (reloading) return;
  fetchDemos(LIST).then(start, ({ message }) => {
    setLines(byId("problems"), [`The list of models, ${LIST}, could not be loaded: ${message}. Reload the page to try again.`], "alert");
  });
});
