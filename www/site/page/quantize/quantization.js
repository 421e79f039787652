// @ts-check
// Quantizes the visitor's model: takes the files, runs the quantizer, shows what came out.

/** @import { Child } from "../data/element.js" */
/** @import { Found } from "../own-files.js" */
/** @import { Choices } from "./form.js" */
/** @import { Result } from "./run.js" */
/** @import { OnModels } from "./section.js" */

import { element } from "../data/element.js";
import { announce } from "../dom.js";
import { models } from "../models.js";
import { watchVisibility } from "../race.js";
import { addFiles, sortFiles } from "./files.js";
import { form } from "./form.js";
import { fp32BytesOf, memoryText, neededBytes, threadsOf } from "./memory.js";
import { filesOf, int8Name, outcome, reportName } from "./outcome.js";
import { progress } from "./progress.js";
import { quantize } from "./run.js";
import { sentence } from "./sentence.js";

/** Thrown if the visitor cancels. */
class Cancelled extends Error {}

export class Quantization {
  #view;
  #onModels;
  /** @type {Found[]} what was given */
  #found = [];
  /** The size of the model's weights in FP32, in bytes. */
  #weights = 0;
  /** @type {Choices} */
  #choices = { preset: "balanced", skipBadRows: false };
  /** @type {AbortController | null} ends what is under way */
  #run = null;

  /**
   * @param {HTMLElement} view where everything is shown
   * @param {OnModels} onModels
   */
  constructor(view, onModels) {
    this.#view = view;
    this.#onModels = onModels;
    view.tabIndex = -1;
    addEventListener("beforeunload", (event) => this.#run && event.preventDefault());
  }

  /**
   * Takes files. While the quantizer runs, they are for the next time.
   * @param {Found[]} found
   */
  async take(found) {
    this.#found = addFiles(this.#found, found);
    const { model } = sortFiles(this.#found);
    this.#weights = model ? await fp32BytesOf(model) : 0;
    if (!this.#run) this.#offer();
  }

  /**
   * Says why files could not be taken.
   * @param {string} problem
   */
  refuse(problem) {
    if (!this.#run) this.#offer(problem);
  }

  /**
   * Shows the form.
   * @param {string} [failure] why the last attempt failed
   */
  #offer(failure) {
    const sorted = sortFiles(this.#found);
    const { model, texts } = sorted;
    const memory = model && texts && !sorted.problem ? memoryText(neededBytes(this.#weights, texts.file.size, threadsOf(models.settings.threads))) : null;
    this.#show(
      failure !== undefined && element("p", { class: "alert", role: "alert" }, sentence(failure)),
      ...form({ sorted, memory, choices: this.#choices, onStart: () => this.#start() }));
  }

  async #start() {
    const { model, texts } = sortFiles(this.#found);
    if (!model || !texts) return;
    const run = (this.#run = new AbortController());
    const { panel, report } = progress(model.name, () => run.abort(new Cancelled()));
    this.#show(...panel);
    const watch = watchVisibility();
    const path = texts.file.name;
    try {
      const job = {
        files: [...model.files, { path, file: texts.file }],
        model: model.path, texts: path, ...this.#choices, threads: models.settings.threads,
        modelName: model.name, outputName: int8Name(model.name), reportName: reportName(model.name),
      };
      const result = await quantize(job, report, run.signal);
      this.#run = null;
      this.#showOutcome(result, model.name, watch.wasHidden());
    } catch (error) {
      this.#run = null;
      if (error instanceof Cancelled) announce("Quantizing was cancelled");
      this.#offer(error instanceof Cancelled ? undefined : error instanceof Error ? error.message : String(error));
    } finally {
      watch.end();
    }
  }

  /**
   * @param {Result} result
   * @param {string} name the model's
   * @param {boolean} background whether the tab was in the background
   */
  #showOutcome(result, name, background) {
    const files = filesOf(result, name);
    const notes = [...result.summary.notes.map(sentence)];
    if (background) notes.push("The tab was in the background for a while, where browsers slow it down, so the time says less.");
    this.#show(...outcome({
      result, files, notes,
      onCompare: () => this.#onModels({
        int8: { name: files.int8.name, model: files.int8, tokenizer: files.tokenizer },
        fp32: { name: files.fp32.name, model: files.fp32, tokenizer: files.tokenizer },
      }),
      onAgain: () => this.#offer(),
    }));
    announce(`${files.int8.name} is ready`);
  }

  /**
   * Shows other elements. The focus stays in the view if it was there.
   * @param {Child[]} children
   */
  #show(...children) {
    const focused = this.#view.contains(document.activeElement);
    this.#view.replaceChildren(...children.filter((child) => child instanceof Node || typeof child === "string"));
    if (focused) this.#view.focus({ preventScroll: true });
  }
}
