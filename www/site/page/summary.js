import { fits } from "./demos.js";
import { byId, setLines } from "./dom.js";
import { range, ratio, score } from "./format.js";
import { agree, agrees, isScore, keyText } from "./verdict.js";

/**
 * Shows what the answers say together. `answers` and `infos` hold one entry for each model that has answered so far; `result` is
 * that of the race between them.
 */
export function showSummary(question, answers, infos, result) {
  showFigures(answers, infos, result);
  setLines(byId("notes"), notes(question, answers, infos, result), "note");
  setLines(byId("answer-key"), answerKey(question, answers, infos), "note key");
}

export function clearSummary() {
  for (const id of ["summary", "notes", "answer-key"]) byId(id).replaceChildren();
}

function showFigures({ int8, fp32 }, infos, result) {
  const box = byId("summary");
  if (!int8 || !fp32) return box.replaceChildren();
  box.replaceChildren(
    speedFigure(result),
    figure("Its file is ", ratio(infos.fp32.modelBytes / infos.int8.modelBytes), " smaller"),
    isScore(int8)
      ? figure("The scores are ", score(Math.abs(int8.score - fp32.score)), " apart")
      : figure("The models ", agree(int8, fp32) ? "agree" : "disagree", ""),
  );
}

function speedFigure({ speedup, problem }) {
  if (problem === "hidden") return figure("The times were ", "disturbed", "");
  if (problem === "noisy") return figure("The times are ", "too noisy", " to compare");
  const [middle, spread] = [ratio(speedup.median), range(speedup.low, speedup.high, ratio)];
  return figure("INT8 is ", middle, spread === middle ? " as fast" : ` as fast (${spread})`);
}

function figure(before, value, after) {
  const element = document.createElement("span");
  element.className = "figure";
  const strong = document.createElement("strong");
  strong.textContent = value;
  element.append(before, strong, after);
  return element;
}

function notes({ task, texts }, answers, infos, { problem }) {
  const truncated = Object.keys(answers).find((key) => answers[key].truncated);
  const empty = texts.flatMap((text, i) => (text.trim() === "" ? [texts.length > 1 ? task.names[i] : "The text"] : []));
  return [
    empty.length === 1 && `${empty[0]} is empty, so the answer means little.`,
    empty.length === 2 && `Both ${task.all} are empty, so the answer means little.`,
    truncated && `The ${task.input} was longer than ${infos[truncated].maxLength} tokens and was truncated.`,
    problem === "hidden" && `The tab was in the background for a while, where browsers slow it down. ${task.ask} again for better times.`,
    problem === "noisy" && `The times of INT8 and FP32 vary too much from run to run; the computer seems to be busy. ${task.ask} again for better times.`,
    new Set(Object.values(infos).map(({ threads }) => threads.count)).size > 1 && "INT8 and FP32 ran on different numbers of threads.",
    infos.int8?.kernel === "unfused" && "bert8 does not recognize the structure of the INT8 file, so it runs without the fast kernels.",
  ].filter(Boolean);
}

function answerKey({ demo, example }, answers, infos) {
  const given = ["int8", "fp32"].filter((key) => answers[key]);
  if (!example || given.length === 0 || !given.every((key) => fits(demo, infos[key]))) return [];
  const text = keyText(example.label, infos[given[0]]);
  const opinions = given.map((key) => `${key.toUpperCase()} ${agrees(answers[key], infos[key], example.label) ? "agrees" : "disagrees"}`);
  return text ? [`Answer key: ${text}. ${opinions.join(", ")}.`] : [];
}
