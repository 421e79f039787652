// @ts-check
// What the answers say together, below the columns.

import { fits } from "../models/demos.js";
import { ENGLISH_ONLY, isForeign } from "../models/language.js";
import { models } from "../models/models.js";
import { textsFor } from "../models/task.js";
import { byId, setLines } from "../shared/dom.js";
import { range, ratio, score } from "../shared/format.js";
import { agree, agrees, isScore, keyText } from "./verdict.js";

/** @import { Classification, ClassifierInfo } from "../../bert8.js" */
/** @import { Task } from "../models/task.js" */
/** @import { Result } from "../timing/race.js" */
/** @import { Key, Question } from "./results.js" */

/**
 * @typedef {object} Outcome
 * @property {Question} question
 * @property {Task} task
 * @property {string | null} mismatch why the two models are no pair
 * @property {Partial<Record<Key, Classification>>} answers of the models that have answered so far
 * @property {Partial<Record<Key, ClassifierInfo>>} infos of the same models
 * @property {Result} result of the race between them
 */

const unfused = (/** @type {string} */ name) =>
  `bert8 does not recognize the structure of the ${name} file, so it runs without the fast kernels.`;

/** @type {Outcome | null} */
let shown = null;

const KEYS = /** @type {const} */ (["int8", "fp32"]);

/**
 * Shows what the answers say together.
 * @param {Outcome} outcome
 */
export function showSummary(outcome) {
  shown = outcome;
  showFigures(outcome);
  byId("after").hidden = Object.keys(outcome.answers).length === 0;
  setLines(byId("notes"), notes(outcome), "note");
  setLines(byId("answer-key"), answerKey(outcome), "note key");
}

export function clearSummary() {
  shown = null;
  for (const id of ["summary", "notes", "answer-key"]) byId(id).replaceChildren();
  byId("after").hidden = true;
}

/** What is shown at the moment, or null. */
export const lastOutcome = () => shown;

/** @param {Outcome} outcome */
function showFigures({ answers: { int8, fp32 }, infos, mismatch, result }) {
  const box = byId("summary");
  if (!int8 || !fp32 || !infos.int8 || !infos.fp32 || mismatch) return box.replaceChildren();
  const size = infos.fp32.modelBytes / infos.int8.modelBytes;
  box.replaceChildren(
    figure(...speedWords(result)),
    size >= 1 ? figure("Its file is ", ratio(size), " smaller") : figure("Its file is ", ratio(1 / size), " larger"),
    figure(...agreementWords(int8, fp32)),
  );
}

/**
 * Returns the parts of a sentence about the speed, the middle of which stands out.
 * @param {Result} result
 * @returns {[string, string, string]}
 */
export function speedWords({ speedup, problem }) {
  if (problem === "hidden") return ["The times were ", "disturbed", ""];
  if (problem === "noisy" || !speedup) return ["The times are ", "too noisy", " to compare"];
  const [value, spread] = [ratio(speedup.ratio), range(speedup.low, speedup.high, ratio)];
  return [`${models.nameOf(models.int8)} is `, value, spread === value ? " as fast" : ` as fast (${spread})`];
}

/**
 * Returns the parts of a sentence about two answers, the middle of which stands out.
 * @param {Classification} int8
 * @param {Classification} fp32
 * @returns {[string, string, string]}
 */
export function agreementWords(int8, fp32) {
  if (isScore(int8) && isScore(fp32)) return ["The scores are ", score(Math.abs(int8.score - fp32.score)), " apart"];
  return ["The models ", agree(int8, fp32) ? "agree" : "disagree", ""];
}

/**
 * @param {string} before
 * @param {string} value
 * @param {string} after
 */
function figure(before, value, after) {
  const element = document.createElement("span");
  element.className = "figure";
  const strong = document.createElement("strong");
  strong.textContent = value;
  element.append(before, strong, after);
  return element;
}

/** @param {Outcome} outcome */
function notes({ question: { first, second }, task, mismatch, answers, infos, result: { problem } }) {
  const given = KEYS.filter((key) => answers[key]);
  const truncated = given.find((key) => answers[key]?.truncated);
  const texts = textsFor(task, first, second);
  const isEnglishOnly = models.demo?.language === "en";
  const empty = texts.flatMap((text, i) => (text.trim() === "" ? [texts.length > 1 ? task.names[i] : "The text"] : []));
  const [one, other] = given.map((key) => models.nameOf(models[key]));
  const again = `${task.ask} again for better times.`;
  return [
    empty.length === 1 && `${empty[0]} is empty, so the answer means little.`,
    empty.length === 2 && `Both ${task.all} are empty, so the answer means little.`,
    isEnglishOnly && given.some((key) => isForeign(texts, /** @type {Classification} */ (answers[key]))) && ENGLISH_ONLY,
    truncated && `The ${task.input} was longer than ${infos[truncated]?.maxLength} tokens and was truncated.`,
    other && mismatch && `These two models are no pair, so nothing is compared. ${mismatch}`,
    problem === "hidden" && `The tab was in the background for a while, where browsers slow it down. ${again}`,
    problem === "noisy" && `The times of ${one} and ${other} vary too much from run to run; the computer seems to be busy. ${again}`,
    new Set(Object.values(infos).map(({ threads }) => threads.count)).size > 1 && `${one} and ${other} ran on different numbers of threads.`,
    ...given.map((key) => infos[key]?.kernel === "unfused" && unfused(models.nameOf(models[key]))),
  ].filter((note) => typeof note === "string");
}

/** @param {Outcome} outcome */
function answerKey({ question: { demo, example }, answers, infos }) {
  const given = KEYS.flatMap((key) => {
    const [answer, info] = [answers[key], infos[key]];
    return answer && info ? [{ name: models.nameOf(models[key]), answer, info }] : [];
  });
  if (!demo || !example || given.length === 0 || !given.every(({ info }) => fits(demo, info))) return [];
  const text = keyText(example.label, given[0].info);
  const opinions = given.map(({ name, answer, info }) => `${name} ${agrees(answer, info, example.label) ? "agrees" : "disagrees"}`);
  return text ? [`Answer key: ${text}. ${opinions.join(", ")}.`] : [];
}
