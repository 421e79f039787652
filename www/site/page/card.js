import { clone, setText } from "./dom.js";
import { megabytes, milliseconds, number, perSecond, percent, range, score, seconds } from "./format.js";
import { threadsText } from "./thread-picker.js";
import { bars, barsHint, isScore, verdict } from "./verdict.js";

const TAGS = { int8: "8-bit integers", fp32: "32-bit original" };

/** The column of one model. Shows the loading progress, the failure or the answer. */
export class Card {
  #model;
  #parts;
  #score = null; // the score that is shown, if any
  #verdict = "";

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

  /** Shows an answer. Its times follow with `showTimes`. */
  showAnswer(answer, info) {
    const parts = this.#parts;
    this.#showVerdict(verdict(answer, info));
    parts.bars.replaceChildren(...bars(answer, info).map(barElement));
    parts["bars-hint"].textContent = barsHint(answer, info);
    this.#score = isScore(answer) ? answer.score : null;
    parts.scale.hidden = this.#score === null;
    for (const name of ["infer", "spread", "rate", "tokenize"]) parts[name].textContent = "…";
    parts.tokens.textContent = `${answer.tokens} tokens`;
    parts.runs.textContent = "Measuring the time";
    parts.answer.hidden = false;
  }

  /** Shows the times of the answer, given the task that names its input. */
  showTimes({ infer, tokenizeMs, perSecond: rate, runs, inTurns }, task) {
    const parts = this.#parts;
    parts.infer.textContent = milliseconds(infer.median);
    parts.spread.textContent = range(infer.low, infer.high, milliseconds);
    parts["rate-unit"].textContent = `${capitalized(task.several)} per second`;
    parts.rate.textContent = perSecond(rate);
    parts.tokenize.textContent = milliseconds(tokenizeMs);
    const how = inTurns ? "in turns with the other model, " : "";
    parts.runs.textContent = `Medians of ${runs} runs, ${how}after a warm-up`;
  }

  /** Prefixes the verdict with the model's name for screen readers, which read out both verdicts. */
  #showVerdict(text) {
    if (text === this.#verdict) return; // screen readers would repeat it
    this.#verdict = text;
    const owner = document.createElement("span");
    owner.className = "visually-hidden";
    owner.textContent = `${this.#model.name}: `;
    this.#parts.verdict.replaceChildren(...(text ? [owner, text] : []));
  }

  /** Draws the scale, which both models share, with a mark at this model's score. */
  drawScale(scale) {
    if (this.#score === null) return;
    const { scale: element, mark, zero, low, high } = this.#parts;
    const place = (part, value) => (part.style.insetInlineStart = `${100 * scale.share(value)}%`);
    const attributes = { label: "Score", valuemin: scale.low, valuemax: scale.high, valuenow: this.#score, valuetext: score(this.#score) };
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(`aria-${name}`, value);
    low.textContent = number(scale.low);
    high.textContent = number(scale.high);
    place(mark, this.#score);
    place(zero, 0);
    zero.hidden = scale.low === 0 || scale.high === 0;
  }

  /** Shows that an answer is being computed. An earlier answer stays until the new one replaces it. */
  showBusy(text) {
    if (this.#model.state === "ready" && this.#parts.answer.hidden) this.#showVerdict(text);
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
        ? "Retry to load it again. The other model is not affected."
        : `Check that you are online and that the server has ${files.model} and ${files.tokenizer}, then retry. The other model is not affected.`;
    parts.retry.setAttribute("aria-label", `Retry ${name}`);
    parts.retry.addEventListener("click", () => {
      this.#parts.name.focus(); // the focused button disappears
      this.onRetry();
    });
    this.#parts.alert.replaceChildren(element);
  }
}

function barElement({ name, label, value, applies }) {
  const { element, parts } = clone("bar");
  element.classList.toggle("applies", applies);
  parts["probability-label"].textContent = name;
  parts.probability.textContent = percent(value);
  parts.meter.setAttribute("aria-label", label);
  parts.meter.value = value;
  parts.meter.textContent = percent(value);
  return element;
}

function loadingText(state, progress) {
  if (state === "waiting") return "Waiting to load";
  if (!progress) return "Starting";
  if (progress.stage === "prepare") return "Preparing";
  const loaded = megabytes(progress.loaded);
  return progress.total ? `Downloading: ${loaded} of ${megabytes(progress.total)} MB` : `Downloading: ${loaded} MB`;
}

/** If the total size is unknown, the bar is indeterminate. */
function showProgress(bar, state, progress) {
  if (state === "waiting") bar.value = 0;
  else if (progress?.total) bar.value = progress.loaded / progress.total;
  else bar.removeAttribute("value");
}

function facts({ modelBytes, kernel, backend, threads, loadMs, accuracy, texts }) {
  const parts = [
    `${megabytes(modelBytes)} MB file`,
    `kernel ${kernel}`,
    backend,
    `loaded in ${seconds(loadMs)}`,
    accuracyText(accuracy, texts),
    threadsText(threads),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** How good the model was found to be, or undefined if its file does not tell. */
function accuracyText(accuracy, texts) {
  if (!accuracy) return undefined;
  const { metric, agreement, sqnr, rows } = accuracy;
  const found = [
    metric && `${metric.name} ${metric.value.toFixed(3)} (${metric.interval.map((bound) => bound.toFixed(3)).join(" to ")})`,
    agreement !== null && `${percent(agreement)} agreement with FP32`,
    sqnr !== null && `SQNR ${sqnr.toFixed(1)} dB`,
  ];
  return `${found.filter(Boolean).join(", ") || "no difference from FP32"} on ${rows} ${texts === "pair" ? "pairs" : "texts"}`;
}

/** Turns an error message into a sentence, with a capital letter unless it starts with a URL or a name. */
function sentence(text) {
  const start = /^[a-z]+\b[^:/.]/.test(text) ? capitalized(text) : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);
