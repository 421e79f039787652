// @ts-check
// Asks the models and shows what they answer.

import { models } from "../models/models.js";
import { taskOf, textsFor } from "../models/task.js";
import { byId } from "../shared/dom.js";
import { alone, race } from "../timing/race.js";
import { Card } from "./card.js";
import { Scale } from "./scale.js";
import { clearSummary, showSummary } from "./summary.js";
import { isScore } from "./verdict.js";

/** @import { Classification, Classifier, ClassifierInfo } from "../../bert8.js" */
/** @import { Demo } from "../models/demos.js" */
/** @import { Model } from "../models/model.js" */
/** @import { Example } from "../question/examples.js" */

/**
 * What a visitor asks.
 * @typedef {object} Question
 * @property {string} first the text in the first box
 * @property {string} second
 * @property {Example | undefined} example the example with these texts
 * @property {Demo | null} demo the demo that the example belongs to
 *
 * @typedef {"int8" | "fp32"} Key
 */

/** @type {Record<Key, Card>} */
let cards;
/** @type {Question | null} */
let asked = null;
/** Whether a question waits for the first model. */
let waits = false;
/** Whether the next answer is to be brought into view. */
let reveals = false;
let scale = new Scale();

/**
 * Puts a card for each model on the page.
 * @param {() => Question} current returns what a visitor would ask now
 */
export function setUpResults(current) {
  cards = { int8: new Card(models.int8), fp32: new Card(models.fp32) };
  /** @type {Map<Model, Classifier | null>} what was loaded at the last change */
  const known = new Map();
  byId("cards").append(cards.int8.element, cards.fp32.element);
  models.addEventListener("change", (event) => {
    const { model } = /** @type {CustomEvent<{ model: Model }>} */ (event).detail;
    if (!model.progress) for (const card of Object.values(cards)) card.showModel();
    else cards[model.key].showModel();
    const isNew = model.classifier !== known.get(model);
    known.set(model, model.classifier);
    if (!model.classifier || !isNew) return;
    // A visitor who waits may have written on.
    if (asked) ask(waits ? current() : { ...asked });
  });
}

/** What the answers on the page, or those that are coming, belong to. */
export const lastQuestion = () => (waits ? null : asked);

/** Whether a question waits for the first model. */
export const isWaiting = () => waits;

/** Removes all answers. Those that are still coming do not appear. */
export function clearResults() {
  asked = null;
  waits = reveals = false;
  scale = new Scale();
  byId("results").removeAttribute("aria-busy");
  for (const card of Object.values(cards)) card.clearAnswer();
  clearSummary();
}

/**
 * Asks every model that is ready and shows the answers. A later call, for new texts or a newly loaded model, replaces this one.
 * Resolves when the answers are there and timed.
 * @param {Question} question
 * @param {{ reveal?: boolean }} [options] whether to bring the first answer into view: on a phone it is below
 */
export function ask(question, { reveal = reveals } = {}) {
  asked = question;
  reveals = reveal;
  waits = models.ready.length === 0;
  byId("results").setAttribute("aria-busy", "true");
  byId("answer-key").replaceChildren();
  byId("copied").textContent = "";
  byId("copy-text").hidden = true;
  return alone(async () => {
    const { generation, task, mismatch } = models;
    /** @type {Partial<Record<Key, Classification>>} */
    const answers = {};
    /** @type {Partial<Record<Key, ClassifierInfo>>} */
    const infos = {};
    const wanted = () => asked === question;
    if (!wanted()) return;
    for (const card of Object.values(cards)) card.showBusy(task.asking);
    const entrants = models.ready.map((model) => [model.key, entrant(model, question)]);
    const onAnswer = (/** @type {Key} */ key, /** @type {Classification} */ answer) => {
      const { info } = /** @type {Classifier} */ (models[key].classifier);
      [answers[key], infos[key]] = [answer, info];
      cards[key].showAnswer(answer, info);
      if (isScore(answer)) scale.include(answer.score);
      for (const card of Object.values(cards)) card.drawScale(scale);
      if (reveals) bringIntoView(cards[key].element);
      reveals = false;
    };
    const result = await race(Object.fromEntries(entrants), { onAnswer, wanted });
    if (!result) return;
    byId("results").setAttribute("aria-busy", "false");
    if (generation !== models.generation) return; // the models are being reloaded
    for (const key of /** @type {Key[]} */ (Object.keys(answers))) {
      if (result.times[key]) cards[key].showTimes(result.times[key], task);
      else delete answers[key]; // the model stopped working
    }
    showSummary({ question, task, mismatch, answers, infos, result });
  });
}

/**
 * Scrolls to the answers: no further than needed if all cards fit into the window, else only if the first answer is not in sight.
 * @param {HTMLElement} card
 */
function bringIntoView(card) {
  const { top } = card.getBoundingClientRect();
  const { bottom } = /** @type {HTMLElement} */ (card.querySelector(".verdict")).getBoundingClientRect();
  const fit = byId("cards").offsetHeight <= innerHeight;
  if (!fit && top >= 0 && bottom <= innerHeight) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("cards").scrollIntoView({ block: fit ? "nearest" : "start", behavior: calm ? "auto" : "smooth" });
}

/**
 * Returns a function that asks the model once. It resolves to undefined if the model fails or has been reloaded.
 * @param {Model} model
 * @param {Question} question
 */
function entrant(model, { first, second }) {
  const classifier = /** @type {Classifier} */ (model.classifier);
  const texts = textsFor(taskOf(classifier.info), first, second);
  return async () => {
    if (model.classifier !== classifier) return undefined;
    try {
      const answer = await (texts.length === 1 ? classifier.classify(texts[0]) : classifier.classify(...texts));
      return model.classifier === classifier ? answer : undefined;
    } catch (error) {
      if (model.classifier === classifier) model.fail(error);
    }
  };
}

/**
 * Marks the answers as stale or current, and hides the answer key of stale ones.
 * @param {boolean} stale
 */
export function markStale(stale) {
  byId("stale").hidden = !stale;
  byId("answer-key").hidden = stale;
  byId("results").classList.toggle("stale", stale);
}
