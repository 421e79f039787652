// @ts-check
// The page's models, in one place: what the visitor chose, how it is loaded, and what is loaded now.

import { sizeOf } from "./connection.js";
import { fits } from "./demos.js";
import { loadFrom, Model } from "./model.js";
import { UNKNOWN, taskOf } from "./task.js";

/** @import { Classifier, LoadProgress } from "../../bert8.js" */
/** @import { Demo } from "./demos.js" */
/** @import { Key, Settings, Source } from "./model.js" */

/**
 * What is on the page: a demo, or models that the visitor brings.
 * @typedef {object} Choice
 * @property {string} id tells choices apart
 * @property {Demo | null} demo
 * @property {Partial<Record<Key, Source>>} sources one model or two
 */

/** Dispatches "change", whose detail holds the `model`, after each change of one of the two models. */
class Models extends EventTarget {
  int8 = new Model("int8");
  fp32 = new Model("fp32");
  /** @type {Choice | null} */
  choice = null;
  /** @type {Settings} how models are loaded */
  settings = { backend: "auto", threads: "auto" };
  /** Counts the choices and changes of settings. A job that began with another number is out of date. */
  generation = 0;
  /** @type {boolean | null} whether the visitor wants FP32 beside INT8; null if that was not said */
  both = null;
  /** @type {LoadProgress | null} the progress of loading again what is loaded, for other settings */
  reloading = null;
  #switching = new AbortController();

  constructor() {
    super();
    for (const model of this.all) {
      model.addEventListener("change", () => this.dispatchEvent(new CustomEvent("change", { detail: { model } })));
    }
  }

  /** Both models, whatever their state. */
  get all() {
    return [this.int8, this.fp32];
  }

  /** The models that can answer. */
  get ready() {
    return this.all.filter(({ state }) => state === "ready");
  }

  /** The models that are on the page. */
  get present() {
    return this.all.filter(({ state }) => state !== "absent");
  }

  /** What the models on the page ask for; until one is loaded, a guess. */
  get task() {
    const infos = this.ready.map(({ classifier }) => /** @type {Classifier} */ (classifier).info);
    const info = infos.find(({ texts }) => texts !== "single") ?? infos[0] ?? this.choice?.demo;
    return info ? taskOf(info) : UNKNOWN;
  }

  /** The chosen demo if its description and examples fit what is loaded, otherwise null. */
  get demo() {
    const demo = this.choice?.demo;
    return demo && this.ready.every(({ classifier }) => classifier && fits(demo, classifier.info)) ? demo : null;
  }

  /**
   * Returns what to call a model: its precision, and the file's name if both have the same.
   * @param {Model} model
   */
  nameOf(model) {
    const [one, other] = this.present;
    if (!other || one.title !== other.title) return model.title;
    if (one.source?.name !== other.source?.name) return `${model.title} (${model.source?.name})`;
    return `${model.title} (${model === one ? "first" : "second"})`;
  }

  /**
   * Returns why the two loaded models are no pair to compare, or null.
   * @returns {string | null}
   */
  get mismatch() {
    const [one, other] = this.ready.map(({ classifier }) => /** @type {Classifier} */ (classifier).info);
    if (!other) return null;
    if (one.labels.join("\0") !== other.labels.join("\0")) {
      return `Their labels differ: ${some(one.labels)} against ${some(other.labels)}.`;
    }
    if (one.problem !== other.problem) return `One is a ${one.problem} model, the other a ${other.problem} model.`;
    if (one.texts && other.texts && one.texts !== other.texts) return "One reads a single text, the other a pair.";
    return null;
  }

  /**
   * Puts other models on the page and loads them: INT8 first, because it is smaller and the page is useful with it alone.
   * @param {Choice} choice
   * @param {{ both: boolean }} options whether to load FP32 beside INT8
   */
  async choose(choice, { both }) {
    const current = ++this.generation;
    this.#switching.abort();
    this.reloading = null;
    this.choice = choice;
    const { int8, fp32 } = choice.sources;
    this.int8.replace(int8 ?? null, "waiting");
    this.fp32.replace(fp32 ?? null, both || !int8 ? "waiting" : "offered");
    if (int8) this.#measure(this.fp32);
    for (const model of this.all) {
      if (current !== this.generation) return;
      if (model.state === "waiting") await model.load(this.settings);
    }
    if (current === this.generation) this.#sort();
  }

  /**
   * Finds out how much a model adds that is not loaded yet.
   * @param {Model} model
   */
  async #measure(model) {
    const { source } = model;
    const file = source?.model;
    if (!source || !file || source.bytes) return;
    const bytes = typeof file === "string" ? await sizeOf(file) : file.size;
    if (model.source === source) model.measure(bytes);
  }

  /**
   * Loads the second model or lets it go, as the visitor wants it. Dispatches "both".
   * @param {Model} model
   * @param {boolean} wanted
   */
  want(model, wanted) {
    this.both = wanted;
    this.dispatchEvent(new Event("both"));
    if (wanted) return this.load(model);
    model.decline();
  }

  /**
   * Loads one model, or again after a failure.
   * @param {Model} model
   */
  async load(model) {
    const current = this.generation;
    await model.load(this.settings);
    if (current === this.generation) this.#sort();
  }

  /**
   * Loads the models again with other settings. Those that work stay until their successors are there. Rejects, and leaves
   * everything as it was, if one of these cannot be loaded.
   * @param {Partial<Settings>} changed
   */
  async change(changed) {
    this.#switching.abort();
    const { signal } = (this.#switching = new AbortController());
    const settings = { ...this.settings, ...changed };
    const working = this.ready;
    /** @type {Classifier[]} */
    const loaded = [];
    try {
      // One after another: the memory of all may not suffice twice at once while they are prepared.
      for (const { source } of working) {
        const onProgress = (/** @type {LoadProgress} */ progress) => signal.aborted || this.#reload(progress);
        loaded.push(await loadFrom(/** @type {Source} */ (source), settings, signal, onProgress));
      }
      signal.throwIfAborted();
    } catch (error) {
      for (const classifier of loaded) classifier.dispose();
      if (signal.aborted) return;
      throw error;
    } finally {
      if (!signal.aborted) this.#reload(null);
    }
    this.settings = settings;
    const current = ++this.generation;
    working.forEach((model, i) => (model.state === "ready" ? model.exchange(loaded[i]) : loaded[i].dispose()));
    for (const model of this.all) {
      if (current !== this.generation) return;
      const changed = model.state === "ready" && working.includes(model);
      if (!changed && !["absent", "offered"].includes(model.state)) await model.load(settings);
    }
  }

  /** @param {LoadProgress | null} progress */
  #reload(progress) {
    this.reloading = progress;
    this.dispatchEvent(new Event("reloading"));
  }

  /** Puts each file where its precision belongs, if the visitor has confused them. */
  #sort() {
    const precision = (/** @type {Model} */ { classifier }) => classifier?.info.precision;
    const [int8, fp32] = this.all.map(precision);
    const misplaced = (int8 === "fp32" && fp32 !== "fp32") || (fp32 === "int8" && int8 !== "int8");
    if (misplaced && this.all.every(({ state }) => state === "ready" || state === "absent")) this.int8.swap(this.fp32);
  }
}

/** @param {readonly string[]} labels */
function some(labels) {
  const most = 4;
  const list = labels.slice(0, most).join(", ");
  return labels.length > most ? `${list} and ${labels.length - most} more` : list;
}

export const models = new Models();
