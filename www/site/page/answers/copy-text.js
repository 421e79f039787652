// @ts-check
// Writes a comparison as plain text, to be pasted elsewhere.

import { models } from "../models/models.js";
import { textsFor } from "../models/task.js";
import { threadsText } from "../models/thread-picker.js";
import { megabytes, milliseconds, percent, perSecond, range } from "../shared/format.js";
import { agreementWords, speedWords } from "./summary.js";
import { bars, verdict } from "./verdict.js";

/** @import { Model } from "../models/model.js" */
/** @import { Outcome } from "./summary.js" */

/** How many labels are listed. */
const MOST_LABELS = 5;

/**
 * Returns the comparison as text.
 * @param {Outcome} outcome
 * @param {{ date: Date, browser: string }} context
 */
export function comparisonText(outcome, { date, browser }) {
  const { question, task, mismatch, answers, result } = outcome;
  const texts = textsFor(task, question.first, question.second);
  const lines = [`bert8, ${date.toISOString().slice(0, 10)}, ${browser}`, ...texts.map((text, i) => `${task.names[i]}: ${text}`), ""];
  for (const model of models.all) lines.push(...linesOf(model, outcome));
  const { int8, fp32 } = answers;
  if (mismatch) lines.push(`The models are no pair. ${mismatch}`);
  else if (int8 && fp32) lines.push(`${speedWords(result).join("")}.`, `${agreementWords(int8, fp32).join("")}.`);
  return lines.join("\n").replaceAll("\u00a0", " ");
}

/**
 * Returns what one model has answered, and how fast; nothing if it has not.
 * @param {Model} model
 * @param {Outcome} outcome
 */
function linesOf({ key, title, source }, { task, answers, infos, result }) {
  const [answer, info, times] = [answers[key], infos[key], result.times[key]];
  if (!answer || !info || !times) return [];
  const { infer, perSecond: rate, runs, inTurns } = times;
  const facts = [`${megabytes(info.modelBytes)} MB`, `kernel ${info.kernel}`, info.backend, threadsText(info.threads)];
  const probabilities = bars(answer, info).slice(0, MOST_LABELS).map(({ name, value }) => `${name} ${percent(value)}`);
  const time = `${milliseconds(infer.median)} (middle half ${range(infer.low, infer.high, milliseconds)})`;
  return [
    `${title}, ${source?.name}: ${facts.join(", ")}`,
    `  ${[verdict(answer, info), ...probabilities].join("; ")}`,
    `  ${time}, ${perSecond(rate)} ${task.several} per second; ${runs} runs${inTurns ? " in turns" : ""} after a warm-up`,
  ];
}
