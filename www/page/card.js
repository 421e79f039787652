import { clone, setText } from "./dom.js";
import { megabytes, milliseconds, percent, seconds } from "./format.js";
import { probability, verdict } from "./verdict.js";

const TAGS = { int8: "8-bit integers", fp32: "32-bit original" };

/** The column of one model: its loading, its failure or its answer. */
export class Card {
  #model;
  #parts;

  constructor(model, onRetry) {
    const { element, parts } = clone("card");
    this.element = element;
    this.#model = model;
    this.#parts = parts;
    this.onRetry = onRetry;
    element.dataset.model = model.key;
    parts.name.id = `${model.key}-name`;
    parts.name.textContent = model.name;
    parts.tag.textContent = TAGS[model.key];
    element.setAttribute("aria-labelledby", parts.name.id);
    parts.progress.setAttribute("aria-label", `Loading ${model.name}`);
    model.addEventListener("change", () => this.#showModel());
    this.#showModel();
  }

  showAnswer(answer) {
    const parts = this.#parts;
    const { tokenizeMs, inferMs, runs } = answer.timing;
    this.#showVerdict(verdict(answer));
    this.#showProbability(probability(answer));
    parts.infer.textContent = milliseconds(inferMs);
    parts.tokenize.textContent = milliseconds(tokenizeMs);
    parts.tokens.textContent = `${answer.tokens} tokens`;
    parts.runs.textContent = runs === 1 ? "One timed run" : `Median of ${runs} runs, after warm-up`;
    parts.answer.hidden = false;
  }

  /** Screen readers hear of two verdicts, and whose each is. */
  #showVerdict(text) {
    const whose = document.createElement("span");
    whose.className = "visually-hidden";
    whose.textContent = `${this.#model.name}: `;
    this.#parts.verdict.replaceChildren(...(text ? [whose, text] : []));
  }

  #showProbability(found) {
    const parts = this.#parts;
    parts.probable.hidden = parts.meter.hidden = !found;
    if (!found) return;
    parts["probability-label"].textContent = found.of;
    parts.probability.textContent = percent(found.value);
    parts.meter.setAttribute("aria-label", found.of);
    parts.meter.value = found.value;
    parts.meter.textContent = percent(found.value);
  }

  /** Only where there is no earlier answer, which stays until the new one is there. */
  showBusy() {
    if (this.#model.state === "ready" && this.#parts.answer.hidden) this.#showVerdict("Comparing…");
  }

  clearAnswer() {
    this.#parts.answer.hidden = true;
    this.#showVerdict("");
  }

  #showModel() {
    const { state, error, classifier, progress } = this.#model;
    const parts = this.#parts;
    this.element.dataset.state = state;
    parts.loading.hidden = state === "ready" || state === "failed";
    setText(parts.status, loadingText(state, progress));
    showProgress(parts.progress, state, progress);
    setText(parts.facts, classifier ? facts(classifier.info) : "");
    if (state !== "ready") this.clearAnswer();
    if (state === "failed") this.#showFailure(error);
    else parts.alert.replaceChildren();
  }

  #showFailure(error) {
    const { element, parts } = clone("failure");
    const { name, files, failedWhile } = this.#model;
    parts.title.textContent = failedWhile === "ready" ? `${name} stopped working` : `${name} could not be loaded`;
    parts.reason.textContent = sentence(error.message);
    parts.advice.textContent =
      failedWhile === "ready"
        ? "Retry loads it again. The other model is not affected."
        : `Check the connection, and that the server has ${files.model} and ${files.tokenizer}, then retry. The other model is not affected.`;
    parts.retry.setAttribute("aria-label", `Retry ${name}`);
    parts.retry.addEventListener("click", () => {
      this.#parts.name.focus(); // the button goes
      this.onRetry();
    });
    this.#parts.alert.replaceChildren(element);
  }
}

function loadingText(state, progress) {
  if (state === "waiting") return "Waiting its turn";
  if (!progress) return "Starting";
  if (progress.stage === "prepare") return "Preparing";
  const loaded = megabytes(progress.loaded);
  return progress.total ? `Downloading: ${loaded} of ${megabytes(progress.total)} MB` : `Downloading: ${loaded} MB`;
}

/** Without a known share, the bar only shows that something is going on. */
function showProgress(bar, state, progress) {
  if (state === "waiting") bar.value = 0;
  else if (progress?.total) bar.value = progress.loaded / progress.total;
  else bar.removeAttribute("value");
}

function facts({ modelBytes, kernel, backend, loadMs }) {
  return `${megabytes(modelBytes)} MB file · kernel ${kernel} · ${backend} · loaded in ${seconds(loadMs)}`;
}

/** A message as a sentence; what begins with a URL stays as it is. */
function sentence(text) {
  const start = /^[a-z]+\b[^:/.]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
