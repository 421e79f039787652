// @ts-check
// A page in one file: one model answers on the page's own thread, without a server and without a network.

import { load } from "../inline.js";
import { bars, barsHint, verdict } from "../page/answers/verdict.js";
import { ENGLISH_ONLY, isForeign, onlyLanguage } from "../page/models/language.js";
import { taskOf, textsFor } from "../page/models/task.js";
import { byId, clone, setText } from "../page/shared/dom.js";
import { megabytes, milliseconds, percent } from "../page/shared/format.js";
import { about, file, unpacked } from "./contents.js";

/** @import { Classification, Classifier } from "../bert8.js" */
/** @import { Bar } from "../page/answers/verdict.js" */

/** How many milliseconds the repeated runs of one answer may take. Their median is shown. */
const BUDGET_MS = 500;

const boxes = [byId("sentence1"), byId("sentence2")];

/** Lets the browser draw what has changed so far. */
const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

start().catch((error) => fail(error, "The model could not be started"));

async function start() {
  const { title, description, language, limits, version, examples } = about();
  document.title = `${title} · bert8`;
  setText(byId("title"), title);
  setText(byId("description"), [description, language && onlyLanguage(language), limits].filter(Boolean).join(" "));
  await drawn();
  const program = await unpacked(file("program"));
  const classifier = await load({ model: new Blob([file("model")]), tokenizer: file("tokenizer"), module: program, backend: "simd128" });
  const task = taskOf(classifier.info);
  setText(byId("pair-title"), task.title);
  task.names.forEach((name, i) => setText(byId(`sentence${i + 1}-label`), name));
  byId("second").hidden = task.texts === "single";
  setText(byId("ask"), task.ask);
  showExamples(examples);
  showFacts(classifier, version);
  setText(byId("status"), "");
  byId("ask").disabled = false;

  const ask = async () => {
    const texts = textsFor(task, boxes[0].value, boxes[1].value);
    byId("ask").disabled = true;
    setText(byId("status"), task.asking);
    byId("problem").hidden = true;
    await drawn();
    try {
      const [first, second] = texts;
      const options = { warmup: 1, runs: 50, budgetMs: BUDGET_MS };
      const answer = await (second === undefined ? classifier.classify(first, options) : classifier.classify(first, second, options));
      show(answer, classifier);
      setText(byId("status"), language === "en" && isForeign(texts, answer) ? ENGLISH_ONLY : "");
    } catch (error) {
      fail(error, "The text could not be classified");
    } finally {
      byId("ask").disabled = false;
    }
  };
  byId("pair").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    ask();
  });
  byId("pair").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || byId("ask").disabled) return;
    event.preventDefault();
    ask();
  });
}

/** @param {string[][]} examples */
function showExamples(examples) {
  const select = byId("example");
  const take = () => examples[select.value]?.forEach((text, i) => (boxes[i].value = text));
  select.append(...examples.map(([first], at) => new Option(first.length > 72 ? `${first.slice(0, 71).trimEnd()}…` : first, String(at))));
  select.addEventListener("change", take);
  byId("example-field").hidden = examples.length === 0;
  take();
}

/**
 * @param {Classification} answer
 * @param {Classifier} classifier
 */
function show(answer, { info }) {
  byId("result").hidden = false;
  setText(byId("verdict"), verdict(answer, info));
  byId("bars").replaceChildren(...bars(answer, info).map(barElement));
  setText(byId("bars-hint"), barsHint(info));
  const { inferMs, tokenizeMs, runs } = answer.timing;
  const cut = answer.truncated ? ", cut to what the model reads" : "";
  const logits = Array.from(answer.logits, (logit) => logit.toFixed(4)).join(", ");
  setText(
    byId("timing"),
    `${milliseconds(inferMs)}${runs > 1 ? ` (median of ${runs} runs)` : ""}, tokenization ${milliseconds(tokenizeMs)} · ${answer.tokens} tokens${cut} · logits ${logits}`,
  );
}

/**
 * @param {Classifier} classifier
 * @param {string} version of bert8
 */
function showFacts({ info: { modelBytes, precision, kernel, backend } }, version) {
  setText(byId("facts"), `${precision.toUpperCase()} model, ${megabytes(modelBytes)} MB · kernel ${kernel}, ${backend}, one thread · bert8 ${version}`);
}

/** @param {Bar} bar */
function barElement({ name, label, value, applies }) {
  const { element, parts } = clone("bar");
  element.classList.toggle("applies", applies);
  setText(parts["probability-label"], name);
  setText(parts.probability, percent(value));
  parts.meter.setAttribute("aria-label", label);
  parts.meter.value = value;
  setText(parts.meter, percent(value));
  return element;
}

/**
 * @param {unknown} error
 * @param {string} what
 */
function fail(error, what) {
  setText(byId("status"), "");
  setText(byId("problem"), `${what}: ${error instanceof Error ? error.message : String(error)}`);
  byId("problem").hidden = false;
}
