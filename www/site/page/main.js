import { readAddress } from "./address.js";
import { setUpBackendPicker } from "./backend-picker.js";
import { Card } from "./card.js";
import { setUpConsole } from "./console.js";
import { announce, byId, setLines } from "./dom.js";
import { fetchExamples, findExample, setUpExamplePicker } from "./examples.js";
import { alone, measure } from "./measure.js";
import { Model } from "./model.js";
import { Scale } from "./scale.js";
import { clearSummary, showSummary } from "./summary.js";
import { PARAPHRASE, UNKNOWN, showTask, taskOf, textsFor } from "./task.js";
import { isScore } from "./verdict.js";

const settings = readAddress(location.href);
const { tokenizer } = settings;
const models = {
  int8: new Model("int8", "INT8", { model: settings.int8, tokenizer }),
  fp32: new Model("fp32", "FP32", { model: settings.fp32, tokenizer }),
};
const cards = {};
let backend = settings.backend;
let examples = [];
let asked = null; // the question that the answers on the page belong to: { task, texts, example }
let task = settings.otherModels ? UNKNOWN : PARAPHRASE; // until a model is loaded, a guess
let scale = new Scale();
let generation = 0; // counts how often both models were loaded

const form = byId("pair");
const first = byId("sentence1");
const second = byId("sentence2");

/** Loads INT8 first: it is smaller, and the page is already useful with it alone. */
async function loadModels() {
  const current = ++generation;
  clearSummary();
  scale = new Scale();
  for (const model of Object.values(models)) model.unload();
  await models.int8.load(backend);
  if (current === generation) await models.fp32.load(backend);
}

function onModelChange(model) {
  const all = Object.values(models);
  const ready = all.find(({ state }) => state === "ready");
  if (ready) setTask(taskOf(ready.classifier.info));
  byId("compare").disabled = !ready;
  if (model.progress) return;
  // Both in one announcement: a second one would replace the first before a screen reader has read it out.
  announce(all.map(spoken).filter(Boolean).join(". "));
  if (model.state === "ready" && asked) answer({ ...asked });
}

/** Asks for the texts that the loaded models read. */
function setTask(fitting) {
  if (task === fitting) return;
  task = fitting;
  showTask(task);
  // Examples are sentences to compare.
  if (task.paraphrase) setUpExamples();
  else if (isExample(first.value, second.value)) setTexts("", "");
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
    Object.values(cards).forEach((card) => card.showBusy(question.task.asking));
    for (const [key, model] of Object.entries(models)) {
      if (asked !== question) return;
      const result = model.classifier && (await ask(model, question));
      if (!result || asked !== question) continue;
      answers[key] = result;
      infos[key] = model.classifier.info;
      cards[key].showAnswer(result, infos[key]);
      if (isScore(result)) scale.include(result.score);
      Object.values(cards).forEach((card) => card.drawScale(scale));
    }
    if (asked !== question) return;
    byId("results").setAttribute("aria-busy", "false");
    if (current !== generation) return; // the models are being reloaded
    showSummary(question, answers, infos);
    showStaleness();
  });
}

/** Resolves to undefined if the model fails or is reloaded in the meantime. */
async function ask(model, { texts }) {
  const { classifier } = model;
  try {
    const result = await measure(classifier, texts);
    return model.classifier === classifier ? result : undefined;
  } catch (error) {
    if (model.classifier === classifier) model.fail(error);
  }
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
const isExample = (a, b) => findExample(examples, a, b) !== undefined;

function onTextsChange() {
  const example = findExample(examples, first.value, second.value);
  byId("example").value = example ? examples.indexOf(example) : "";
  showStaleness();
}

function setTexts(a, b) {
  first.value = a;
  second.value = b;
  onTextsChange();
}

function setUpForm() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("compare").disabled) return;
    const example = task.paraphrase ? findExample(examples, first.value, second.value) : undefined;
    answer({ task, texts: currentTexts(), example });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  for (const box of [first, second]) box.addEventListener("input", onTextsChange);
  byId("swap").addEventListener("click", () => setTexts(second.value, first.value));
  byId("swap").disabled = false;
}

async function setUpExamples() {
  if (examples.length > 0) return;
  const select = byId("example");
  try {
    examples = await fetchExamples("models/examples.tsv");
  } catch {
    return select.replaceChildren(new Option("The examples could not be loaded", ""));
  }
  setUpExamplePicker(select, examples, ({ a, b }) => setTexts(a, b));
  if (examples.length > 0 && task.paraphrase && first.value === "" && second.value === "") {
    setTexts(examples[0].a, examples[0].b);
  }
}

for (const [key, model] of Object.entries(models)) {
  cards[key] = new Card(model, () => model.load(backend));
  byId("cards").append(cards[key].element);
  model.addEventListener("change", () => onModelChange(model));
}
setLines(byId("problems"), settings.problems, "alert");
setUpBackendPicker(byId("backend"), backend, (chosen) => {
  backend = chosen;
  loadModels();
});
setUpForm();
setUpConsole(models);
showTask(task);
if (task.paraphrase) setUpExamples();
loadModels();
