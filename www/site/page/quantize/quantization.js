// @ts-check
// Quantizes the visitor's model: takes the files, runs the quantizer, shows what came out.

/** @import { Child } from "../shared/element.js" */
/** @import { Found } from "../shared/paths.js" */
/** @import { Choices, Fault } from "./choices.js" */
/** @import { Result } from "./run.js" */
/** @import { OnModels } from "./section.js" */

import { models } from "../models/models.js";
import { announce } from "../shared/dom.js";
import { element } from "../shared/element.js";
import { watchVisibility } from "../timing/race.js";
import { faultIn, optionsOf, patternsOf, usualChoices } from "./choices.js";
import { commandLine } from "./command-line.js";
import { addFiles, sortFiles } from "./files.js";
import { form } from "./form.js";
import { fp32BytesOf, memoryText, neededBytes, threadsOf } from "./memory.js";
import { filesOf, int8Name, outcome, reportName } from "./outcome.js";
import { progress } from "./progress.js";
import { Refusal, quantize } from "./run.js";
import { sentence } from "./sentence.js";

/** Thrown if the visitor cancels. */
class Cancelled extends Error {}

/** How many times as large weights are in FP32 as in INT8. */
const FP32_TO_INT8 = 4;

export class Quantization {
  #view;
  #onModels;
  /** @type {Found[]} what was given */
  #found = [];
  /** The size of the model's weights in FP32, in bytes. */
  #weights = 0;
  /** @type {Choices} */
  #choices = usualChoices();
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
   * @param {Fault | null} [fault] which choice was wrong
   */
  #offer(failure, fault = null) {
    const sorted = sortFiles(this.#found);
    const { model, texts } = sorted;
    const open = (fault !== null && fault.choice !== "skipBadRows") || this.#view.querySelector("details.more")?.hasAttribute("open");
    const memory = () => {
      if (!model || !texts || sorted.problem) return null;
      const weights = this.#weights * (this.#choices.requantize ? FP32_TO_INT8 : 1);
      return memoryText(neededBytes(weights, texts.file.size, threadsOf(models.settings.threads)));
    };
    this.#show(
      failure !== undefined && element("p", { class: "alert", role: "alert" }, sentence(failure)),
      ...form({ sorted, memory, command: () => this.#command(), choices: this.#choices, fault, open: open === true, onStart: () => this.#start() }));
    if (fault) /** @type {HTMLElement | null} */ (this.#view.querySelector("[aria-invalid]"))?.focus();
  }

  /** Returns the command line that does what the form says. */
  #command() {
    const { model, texts } = sortFiles(this.#found);
    const name = model?.name ?? "model";
    const files = { model: model?.path ?? "MODEL", texts: texts?.path ?? "TEXTS", output: int8Name(name), report: reportName(name) };
    return commandLine(files, optionsOf(this.#choices));
  }

  async #start() {
    const { model, texts } = sortFiles(this.#found);
    if (!model || !texts) return;
    const wrong = faultIn(this.#choices);
    if (wrong) return this.#offer(undefined, wrong);
    const run = (this.#run = new AbortController());
    const { panel, report } = progress(model.name, () => run.abort(new Cancelled()));
    this.#show(...panel);
    const watch = watchVisibility();
    const path = texts.file.name;
    try {
      const job = {
        files: [...model.files, { path, file: texts.file }],
        model: model.path, texts: path, ...optionsOf(this.#choices), threads: models.settings.threads,
        modelName: model.name, outputName: int8Name(model.name), reportName: reportName(model.name), command: this.#command(),
      };
      const result = await quantize(job, report, run.signal);
      this.#run = null;
      this.#showOutcome(result, model.name, watch.wasHidden());
    } catch (error) {
      this.#run = null;
      this.#fail(error);
    } finally {
      watch.end();
    }
  }

  /**
   * Returns to the form after a failure.
   * @param {unknown} error
   */
  #fail(error) {
    if (error instanceof Cancelled) {
      announce("Quantizing was cancelled");
      this.#offer();
    } else if (error instanceof Refusal && error.choice) {
      this.#offer(undefined, { choice: error.choice, message: error.message });
    } else {
      this.#offer(error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * Returns to the form with other choices.
   * @param {Partial<Choices>} changed
   */
  #offerAgain(changed) {
    Object.assign(this.#choices, changed);
    this.#offer();
    const more = this.#view.querySelector("details.more");
    more?.setAttribute("open", "");
    more?.scrollIntoView({ block: "nearest" });
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
      onMeasure: () => this.#offerAgain({ sensitivity: true }),
      onKeep: (pattern) => this.#offerAgain({ ignore: patternsOf(`${this.#choices.ignore} ${pattern}`).join(" ") }),
    }));
    announce(`${files.int8.name} is ready`);
  }

  /**
   * Shows other elements. The focus stays in the view if it was there, and the beginning of the view comes into sight.
   * @param {Child[]} children
   */
  #show(...children) {
    const focused = this.#view.contains(document.activeElement);
    this.#view.replaceChildren(...children.filter((child) => child instanceof Node || typeof child === "string"));
    if (!focused) return;
    this.#view.focus({ preventScroll: true });
    const { top } = this.#view.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) this.#view.scrollIntoView({ block: "start" });
  }
}
