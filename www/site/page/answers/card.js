// @ts-check
import { LIST } from "../models/demos.js";
import { models } from "../models/models.js";
import { threadsText } from "../models/thread-picker.js";
import { clone, setText } from "../shared/dom.js";
import { megabytes, milliseconds, number, perSecond, percent, range, score, seconds } from "../shared/format.js";
import { MOST_BARS, bars, barsHint, isScore, verdict } from "./verdict.js";

/** @import { Accuracy, Classification, ClassifierInfo, LoadProgress } from "../../bert8.js" */
/** @import { Model } from "../models/model.js" */
/** @import { Task } from "../models/task.js" */
/** @import { Times } from "../timing/race.js" */
/** @import { Scale } from "./scale.js" */
/** @import { Bar } from "./verdict.js" */

/** The words of the package about a file that has another size or hash than a list says. */
const UNEXPECTED = "the file is not the expected one";

const TAGS = { int8: "8-bit integers", fp32: "32-bit floating point" };

/** The column of one model. Shows the loading progress, the failure or the answer. */
export class Card {
  #model;
  #parts;
  /** @type {number | null} the score that is shown, if any */
  #score = null;
  #verdict = "";

  /** @param {Model} model */
  constructor(model) {
    const { element, parts } = clone("card");
    this.element = element;
    this.#model = model;
    this.#parts = parts;
    element.dataset.model = model.key;
    parts.name.id = `${model.key}-name`;
    element.setAttribute("aria-labelledby", parts.name.id);
    parts.load.addEventListener("click", () => this.#want(true));
    parts.skip.addEventListener("click", () => this.#want(false));
    this.showModel();
  }

  /**
   * Shows an answer. Its times follow with `showTimes`.
   * @param {Classification} answer
   * @param {ClassifierInfo} info
   */
  showAnswer(answer, info) {
    const parts = this.#parts;
    this.#showVerdict(verdict(answer, info));
    const all = bars(answer, info).map(barElement);
    parts.bars.replaceChildren(...all.slice(0, MOST_BARS));
    parts.rest.replaceChildren(...all.slice(MOST_BARS));
    parts.more.hidden = all.length <= MOST_BARS;
    parts["more-count"].textContent = `The other ${all.length - MOST_BARS} of ${all.length} labels`;
    parts["bars-hint"].textContent = barsHint(info);
    this.#score = isScore(answer) ? answer.score : null;
    parts.scale.hidden = this.#score === null;
    for (const name of ["infer", "spread", "rate", "tokenize"]) parts[name].textContent = "…";
    parts.tokens.textContent = `${answer.tokens} tokens`;
    parts.runs.textContent = "Measuring the time";
    parts.answer.hidden = false;
  }

  /**
   * Shows the times of the answer, given the task that names its input.
   * @param {Times} times
   * @param {Task} task
   */
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

  /**
   * Prefixes the verdict with the model's name for screen readers, which read out both verdicts.
   * @param {string} text
   */
  #showVerdict(text) {
    if (text === this.#verdict) return; // screen readers would repeat it
    this.#verdict = text;
    const owner = document.createElement("span");
    owner.className = "visually-hidden";
    owner.textContent = `${models.nameOf(this.#model)}: `;
    this.#parts.verdict.replaceChildren(...(text ? [owner, text] : []));
  }

  /**
   * Draws the scale, which both models share, with a mark at this model's score.
   * @param {Scale} scale
   */
  drawScale(scale) {
    if (this.#score === null) return;
    const { scale: element, mark, zero, low, high } = this.#parts;
    const place = (/** @type {HTMLElement} */ part, /** @type {number} */ value) => (part.style.insetInlineStart = `${100 * scale.share(value)}%`);
    const attributes = { label: "Score", valuemin: scale.low, valuemax: scale.high, valuenow: this.#score, valuetext: score(this.#score) };
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(`aria-${name}`, String(value));
    low.textContent = number(scale.low);
    high.textContent = number(scale.high);
    place(mark, this.#score);
    place(zero, 0);
    zero.hidden = scale.low === 0 || scale.high === 0;
  }

  /**
   * Shows that an answer is being computed. An earlier answer stays until the new one replaces it.
   * @param {string} text
   */
  showBusy(text) {
    if (this.#model.state === "ready" && this.#parts.answer.hidden) this.#showVerdict(text);
  }

  clearAnswer() {
    this.#parts.answer.hidden = true;
    this.#showVerdict("");
  }

  /** Shows what has become of the model. */
  showModel() {
    const { state, error, classifier, progress, source } = this.#model;
    const parts = this.#parts;
    const name = models.nameOf(this.#model);
    this.element.hidden = state === "absent";
    this.element.dataset.state = state;
    setText(parts.name, this.#model.title);
    setText(parts.tag, [classifier && TAGS[classifier.info.precision], source?.name].filter(Boolean).join(" · "));
    parts.loading.hidden = state !== "waiting" && state !== "loading";
    parts.offer.hidden = state !== "offered";
    const size = source?.bytes ? `${megabytes(source.bytes)} MB` : "";
    setText(parts["offer-text"], `Not loaded${size && `: ${size}`}. It shows what ${models.nameOf(models.int8)} costs and gains.`);
    setText(parts.load, `Load ${name}${size && ` (${size})`}`);
    // The first model is what the page is for.
    parts.skip.hidden = parts.loading.hidden || models.present[0] === this.#model;
    setText(parts.skip, `Skip ${name}`);
    parts.progress.setAttribute("aria-label", `Loading ${name}`);
    setText(parts.status, loadingText(state, progress, size));
    showProgress(parts.progress, state, progress);
    setText(parts.facts, classifier ? facts(classifier.info) : "");
    if (state !== "ready") this.clearAnswer();
    if (state === "failed" && error) this.#showFailure(error);
    else parts.alert.replaceChildren();
  }

  #load() {
    this.#parts.name.focus(); // the focused button disappears
    models.load(this.#model);
  }

  /** @param {boolean} wanted */
  #want(wanted) {
    this.#parts.name.focus();
    models.want(this.#model, wanted);
  }

  /** @param {Error} error */
  #showFailure(error) {
    const { element, parts } = clone("failure");
    const { failedWhile } = this.#model;
    const name = models.nameOf(this.#model);
    parts.title.textContent = failedWhile === "ready" ? `${name} stopped working` : `${name} could not be loaded`;
    parts.reason.textContent = sentence(error.message);
    parts.advice.textContent = this.#advice();
    parts.retry.setAttribute("aria-label", `Retry ${name}`);
    parts.retry.addEventListener("click", () => this.#load());
    this.#parts.alert.replaceChildren(element);
  }

  #advice() {
    const { error, failedWhile, source } = this.#model;
    const other = models.present.length > 1 ? " The other model is not affected." : "";
    if (failedWhile === "ready") return `Retry to load it again.${other}`;
    const list = source?.manifest ?? (source?.expected && LIST);
    if (list && error?.message.includes(UNEXPECTED)) {
      return `${list} lists another file. Reload the page; if that does not help, the list must be written again, because the file has changed.${other}`;
    }
    const files = [source?.manifest, source?.model, source?.tokenizer].filter((file) => typeof file === "string");
    return files.length > 0 ? `Check that you are online and that the server has ${files.join(" and ")}, then retry.${other}` : other.trim();
  }
}

/** @param {Bar} bar */
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

/**
 * @param {Model["state"]} state
 * @param {LoadProgress | null} progress
 * @param {string} size of the model, if it is known
 */
function loadingText(state, progress, size) {
  if (state === "waiting") return size ? `Waiting to load ${size}` : "Waiting to load";
  if (!progress) return "Starting";
  if (progress.stage === "prepare") return "Preparing";
  const { loaded, total } = progress.all;
  return total ? `Downloading: ${megabytes(loaded)} of ${megabytes(total)} MB` : `Downloading: ${megabytes(loaded)} MB`;
}

/**
 * If the total size is unknown, the bar is indeterminate.
 * @param {HTMLProgressElement} bar
 * @param {Model["state"]} state
 * @param {LoadProgress | null} progress
 */
function showProgress(bar, state, progress) {
  if (state === "waiting") bar.value = 0;
  else if (progress && progress.share !== null) bar.value = progress.share;
  else bar.removeAttribute("value");
}

/** @param {ClassifierInfo} info */
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

/**
 * How good the model was found to be, or undefined if its file does not tell.
 * @param {Accuracy | null} accuracy
 * @param {ClassifierInfo["texts"]} texts
 */
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

/**
 * Turns an error message into a sentence, with a capital letter unless it starts with a URL or a name.
 * @param {string} text
 */
export function sentence(text) {
  const start = /^[a-z]+\b[^:/.]/.test(text) ? capitalized(text) : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

/** @param {string} text */
const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);
