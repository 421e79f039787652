// @ts-check
// Evaluates the page's models on the visitor's data: reads it, runs it, shows what was found.

/** @import { Classifier } from "../../bert8.js" */
/** @import { Child } from "../shared/element.js" */
/** @import { Entrants } from "./entrants.js" */
/** @import { AnsweredRow, ModelKey, Summary } from "./types.js" */

import { models } from "../models/models.js";
import { texts } from "../question/texts.js";
import { announce, byId } from "../shared/dom.js";
import { button, element } from "../shared/element.js";
import { number } from "../shared/format.js";
import { watchVisibility } from "../timing/race.js";
import { entrants, loadingNames, statesOfModels } from "./entrants.js";
import { failure, labelQuestion, offer, progress, rowsField, unitOf, waiting } from "./panels.js";
import { results } from "./results.js";
import { runRows } from "./run.js";
import { DataWorker } from "./worker-client.js";

/** Larger files do not fit into the memory of most browsers. */
const MOST_BYTES = 512e6;
/** How many rows are evaluated at most, and unless the visitor asks for more. */
const MOST_ROWS = 100_000;
const USUAL_ROWS = 10_000;
/** With more rows, the visitor is asked before the evaluation starts. */
const FEW_ROWS = 1000;

/**
 * How to treat labels. `confirmed`: the visitor wants to leave out the rows whose label cannot be used.
 * @typedef {{ useLabels: boolean, confirmed: boolean }} Labels
 */

export class Evaluation {
  #view;
  #worker = new DataWorker();
  /** @type {"empty" | "reading" | "read" | "running" | "done"} */
  #state = "empty";
  /** @type {{ name: string, summary: Summary } | null} the data that was read */
  #data = null;
  #run = new AbortController(); // ends what is under way
  #rows = USUAL_ROWS; // the most rows that the visitor wants
  #offered = ""; // the states of the models when the evaluation was offered; empty while it is not
  /** @type {Partial<Record<ModelKey, Classifier>>} the classifiers of the results that are shown */
  #evaluated = {};

  /** @param {HTMLElement} view where everything is shown */
  constructor(view) {
    this.#view = view;
    view.tabIndex = -1;
    models.addEventListener("change", () => this.#onModelChange());
  }

  /**
   * Reads a file.
   * @param {File[]} files
   */
  async take(files) {
    const [file] = files;
    const { name, size } = file;
    const signal = this.#begin();
    if (files.length > 1) return this.#fail(`You gave ${files.length} files. Give one file of texts at a time.`);
    if (/\.(onnx|safetensors)$/i.test(name)) return this.#fail(`${name} is a model, not data. Give a TSV, CSV, JSONL or JSON file of texts here.`);
    if (size > MOST_BYTES) return this.#fail(`${name} has ${number(Math.round(size / 1e6))} MB; a tab reads at most ${MOST_BYTES / 1e6} MB. Take a part of it, or run bert8 eval.`);
    await this.#read(file, name, signal);
  }

  /** Takes the examples of the model that is on the page. */
  async takeExamples() {
    const signal = this.#begin();
    const url = models.demo?.examples;
    if (!url) return this.#fail("There are no examples for this model. Drop a file of your own.");
    const name = url.slice(url.lastIndexOf("/") + 1);
    try {
      const response = await fetch(url, { signal });
      if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trimEnd());
      await this.#read(await response.blob(), name, signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(`${name} could not be loaded: ${messageOf(error)}`);
    }
  }

  /** Ends what is under way, and forgets the data. */
  #begin() {
    this.#run.abort();
    if (this.#state === "reading") this.#worker.stop(new Error("another file was given"));
    this.#data = null;
    this.#state = "empty";
    return (this.#run = new AbortController()).signal;
  }

  /**
   * @param {Blob} file
   * @param {string} name
   * @param {AbortSignal} signal
   */
  async #read(file, name, signal) {
    this.#state = "reading";
    const cancel = () => {
      this.#begin();
      this.#show(element("p", { class: "hint" }, `${name} was not read.`));
    };
    this.#show(...waiting(`Reading ${name}`, cancel));
    try {
      const summary = await this.#worker.ask("read", { file, name, backend: models.settings.backend });
      if (signal.aborted) return;
      this.#data = { name, summary };
      this.#rows = USUAL_ROWS;
      this.#state = "read";
      const nothingToDecide = summary.unusable === 0 && summary.rows <= FEW_ROWS && models.ready.length > 0 && loadingNames().length === 0;
      if (nothingToDecide) await this.#start({ useLabels: true, confirmed: false });
      else this.#offer();
    } catch (error) {
      if (!signal.aborted) this.#fail(messageOf(error));
    }
  }

  /** Shows what the file holds, and asks whether to evaluate. */
  #offer() {
    if (!this.#data) return;
    const { name, summary } = this.#data;
    const { names, note } = entrants();
    const most = Math.min(summary.rows, MOST_ROWS);
    this.#state = "read";
    this.#show(...offer({
      name, summary, names, note,
      loading: loadingNames(),
      rowsField: summary.rows > FEW_ROWS && rowsField(summary.rows, most, Math.min(this.#rows, most), (rows) => (this.#rows = rows)),
      onStart: () => this.#start({ useLabels: true, confirmed: false }),
    }));
    this.#offered = statesOfModels();
  }

  /** @param {Labels} labels */
  async #start(labels) {
    const found = entrants();
    const { info, names } = found;
    if (!this.#data || !info) return;
    const { name } = this.#data;
    this.#run.abort();
    const { signal } = (this.#run = new AbortController());
    try {
      const chosen = await this.#worker.ask("choose", { info, names, choice: { useLabels: labels.useLabels, most: this.#rows } });
      if (signal.aborted) return;
      if (chosen.unusable === 0 || (labels.confirmed && chosen.rows > 0)) return await this.#evaluate(found, chosen, labels, signal);
      this.#show(...labelQuestion(name, chosen, {
        onLeaveOut: () => this.#start({ useLabels: true, confirmed: true }),
        onIgnore: () => this.#start({ useLabels: false, confirmed: true }),
      }));
    } catch (error) {
      if (!signal.aborted) this.#fail(messageOf(error), labels);
    }
  }

  /**
   * @param {Entrants} entrants
   * @param {Summary} chosen
   * @param {Labels} labels
   * @param {AbortSignal} signal
   */
  async #evaluate(entrants, chosen, labels, signal) {
    this.#state = "running";
    const cancel = new AbortController();
    const { panel, report } = progress(this.#data?.name ?? "", chosen, entrants.names, () => cancel.abort());
    this.#show(...panel);
    const watch = watchVisibility();
    const { done, error } = await runRows({
      rows: chosen.rows,
      names: entrants.names,
      classifiers: entrants.classifiers,
      fetch: (start, end) => this.#worker.ask("rows", { start, end }),
      deliver: (answers) => {
        signal.throwIfAborted(); // the worker may hold other data
        return this.#worker.ask("answer", { answers });
      },
      onProgress: report,
      signal: AbortSignal.any([signal, cancel.signal]),
    }).finally(watch.end);
    if (signal.aborted) return;
    if (done === 0 && error !== undefined) throw error;
    if (done === 0) return this.#offer();
    this.#show(...waiting("Computing the intervals"));
    const left = (this.#data?.summary.unusable ?? 0) + chosen.unusable;
    const findings = await this.#worker.ask("conclude", { skipped: left });
    if (signal.aborted) return;
    const background = watch.wasHidden();
    this.#showResults(entrants, findings, labels, this.#notes({ chosen, done, error, left, labels, note: entrants.note, truncated: findings.truncated, background }));
    announce(`The evaluation of ${number(done)} ${unitOf(chosen)} is done`);
  }

  /**
   * @param {Entrants} entrants
   * @param {import("./types.js").Findings} findings
   * @param {Labels} labels
   * @param {string[]} notes
   */
  #showResults({ names, classifiers, info }, findings, labels, notes) {
    const { name, summary } = /** @type {{ name: string, summary: Summary }} */ (this.#data);
    const unit = unitOf(summary);
    this.#state = "done";
    this.#evaluated = classifiers;
    this.#show(
      element("h3", { class: "evaluated" }, name, element("span", { class: "hint" }, ` ${number(findings.report.rows)} ${unit}`)),
      element("p", { class: "note outdated", hidden: true }, "The models have changed since this evaluation. Evaluate again to update it."),
      ...results({
        findings, names, unit, notes, labels: info?.labels ?? [], name: name.replace(/\.[^.]*$/, ""),
        worker: this.#worker, onPick: (row) => this.#pick(row),
      }),
      element("div", { class: "actions" }, button("Evaluate again", () => this.#start({ ...labels, confirmed: true }))));
  }

  /**
   * What to know beside the results.
   * @param {{ chosen: Summary, done: number, error: unknown, left: number, labels: Labels, note: string | null, truncated: number, background: boolean }} facts
   */
  #notes({ chosen, done, error, left, labels, note, truncated, background }) {
    const { rows } = chosen;
    const usable = (this.#data?.summary.rows ?? 0) - chosen.unusable;
    const several = (/** @type {number} */ count, /** @type {string} */ one, /** @type {string} */ more) => `${number(count)} ${count === 1 ? one : more}`;
    const unit = unitOf(chosen);
    return [
      error !== undefined && `The evaluation stopped after ${number(done)} of ${number(rows)} rows: ${messageOf(error)}`,
      error === undefined && done < rows && `You cancelled after ${number(done)} of ${number(rows)} rows. The results are those of these rows.`,
      done === rows && rows < usable && `A random sample of ${number(rows)} of ${number(usable)} rows.`,
      left > 0 && `${several(left, "row was", "rows were")} left out.`,
      !labels.useLabels && "The labels were ignored.",
      note,
      truncated > 0 && `${several(truncated, `${unit.slice(0, -1)} was`, `${unit} were`)} too long for the model and cut.`,
      background && "The tab was in the background for a while, where browsers slow it down, so the times say less.",
    ].filter((text) => typeof text === "string");
  }

  /**
   * Puts the texts of a row into the form.
   * @param {AnsweredRow} row
   */
  async #pick({ at }) {
    const [row] = await this.#worker.ask("rows", { start: at, end: at + 1 }).catch(() => []);
    if (!row) return; // the data have been replaced
    texts.set(row.texts[0], row.texts[1]);
    byId("pair").scrollIntoView({ block: "start" });
    byId("sentence1").focus({ preventScroll: true });
  }

  #onModelChange() {
    if (this.#offered && this.#offered !== statesOfModels()) this.#offer();
    if (this.#state !== "done") return;
    const { ready } = models;
    const evaluated = Object.entries(this.#evaluated);
    const same = evaluated.every(([key, classifier]) => ready.some((model) => model.key === key && model.classifier === classifier));
    const note = /** @type {HTMLElement | null} */ (this.#view.querySelector(".outdated"));
    if (note) note.hidden = same && ready.length === evaluated.length;
  }

  /**
   * @param {string} problem
   * @param {Labels} [labels] how to try again, if that may help
   */
  #fail(problem, labels) {
    this.#state = labels ? "read" : "empty";
    this.#show(failure(problem, labels ? () => this.#start({ ...labels, confirmed: true }) : null));
  }

  /**
   * Shows other elements. The focus stays in the view if it was there.
   * @param {Child[]} children
   */
  #show(...children) {
    const focused = this.#view.contains(document.activeElement);
    this.#offered = "";
    this.#view.replaceChildren(...children.filter((child) => child instanceof Node || typeof child === "string"));
    if (focused) this.#view.focus({ preventScroll: true });
  }
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));
