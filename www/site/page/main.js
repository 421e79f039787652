import { readAddress } from "./address.js";
import { setUpBackendPicker } from "./backend-picker.js";
import { Card } from "./card.js";
import { setUpConsole } from "./console.js";
import { announce, byId, setLines } from "./dom.js";
import { fetchExamples, findExample, setUpExamplePicker } from "./examples.js";
import { alone, measure } from "./measure.js";
import { Model } from "./model.js";
import { clearSummary, showSummary } from "./summary.js";

const settings = readAddress(location.href);
const { tokenizer } = settings;
const models = {
  int8: new Model("int8", "INT8", { model: settings.int8, tokenizer }),
  fp32: new Model("fp32", "FP32", { model: settings.fp32, tokenizer }),
};
const cards = {};
let backend = settings.backend;
let examples = [];
let asked = null; // the question that the answers on the page belong to: { a, b, example }
let generation = 0; // counts how often both models were loaded

const form = byId("pair");
const first = byId("sentence1");
const second = byId("sentence2");

/** Loads INT8 first: it is smaller, and the page is already useful with it alone. */
async function loadModels() {
  const current = ++generation;
  clearSummary();
  for (const model of Object.values(models)) model.unload();
  await models.int8.load(backend);
  if (current === generation) await models.fp32.load(backend);
}

function onModelChange(model) {
  const all = Object.values(models);
  byId("compare").disabled = !all.some(({ state }) => state === "ready");
  if (model.progress) return;
  // Both in one announcement: a second one would replace the first before a screen reader has read it out.
  announce(all.map(spoken).filter(Boolean).join(". "));
  if (model.state === "ready" && asked) answer({ ...asked });
}

/** What to announce about a model. A failure has its own alert. */
function spoken({ name, state }) {
  return { ready: `${name} is ready`, loading: `Loading ${name}` }[state];
}

/** Asks every model that is ready and shows the answers. A later call, for new sentences or a newly loaded model, replaces this one. */
function answer(question) {
  asked = question;
  byId("results").setAttribute("aria-busy", "true");
  byId("answer-key").replaceChildren();
  return alone(async () => {
    const current = generation;
    const answers = {};
    const infos = {};
    Object.values(cards).forEach((card) => card.showBusy());
    for (const [key, model] of Object.entries(models)) {
      if (asked !== question) return;
      const result = model.classifier && (await ask(model, question));
      if (!result || asked !== question) continue;
      answers[key] = result;
      infos[key] = model.classifier.info;
      cards[key].showAnswer(result);
    }
    if (asked !== question) return;
    byId("results").setAttribute("aria-busy", "false");
    if (current !== generation) return; // the models are being reloaded
    showSummary(question, answers, infos);
    showStaleness();
  });
}

/** Resolves to undefined if the model fails or is reloaded in the meantime. */
async function ask(model, { a, b }) {
  const { classifier } = model;
  try {
    const result = await measure(classifier, a, b);
    return model.classifier === classifier ? result : undefined;
  } catch (error) {
    if (model.classifier === classifier) model.fail(error);
  }
}

/** Marks the answers as stale if the sentences have changed since, and hides the answer key. */
function showStaleness() {
  const stale = asked !== null && (asked.a !== first.value || asked.b !== second.value);
  if (stale === byId("stale").hidden) announce(stale ? byId("stale").textContent : "");
  byId("stale").hidden = !stale;
  byId("answer-key").hidden = stale;
  byId("results").classList.toggle("stale", stale);
}

function onSentencesChange() {
  const example = findExample(examples, first.value, second.value);
  byId("example").value = example ? examples.indexOf(example) : "";
  showStaleness();
}

function setSentences(a, b) {
  first.value = a;
  second.value = b;
  onSentencesChange();
}

function setUpForm() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("compare").disabled) return;
    const [a, b] = [first.value, second.value];
    answer({ a, b, example: findExample(examples, a, b) });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  for (const box of [first, second]) box.addEventListener("input", onSentencesChange);
  byId("swap").addEventListener("click", () => setSentences(second.value, first.value));
  byId("swap").disabled = false;
}

async function setUpExamples() {
  const select = byId("example");
  try {
    examples = await fetchExamples("models/examples.tsv");
  } catch {
    return select.replaceChildren(new Option("The examples could not be loaded", ""));
  }
  setUpExamplePicker(select, examples, ({ a, b }) => setSentences(a, b));
  if (examples.length > 0 && first.value === "" && second.value === "") {
    setSentences(examples[0].a, examples[0].b);
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
setUpExamples();
loadModels();
