// @ts-check
import { load } from "../../bert8.js";

/** @import { Classifier, LoadOptions, LoadProgress } from "../../bert8.js" */
/** @import { ThreadChoice } from "./thread-picker.js" */

/**
 * Where a model comes from.
 * @typedef {object} Source
 * @property {string} name the model file's name, for the visitor
 * @property {string | File} [model] the ONNX file or its URL
 * @property {string | File} [tokenizer]
 * @property {string} [manifest] the URL of a manifest or its folder, instead of both files
 * @property {number | null} [bytes] the model's size, if it is known
 * @property {Pick<LoadOptions, "size" | "integrity">} [expected] what the two files must be
 *
 * How to load a model.
 * @typedef {object} Settings
 * @property {"auto" | "relaxed-simd" | "simd128"} backend
 * @property {ThreadChoice} threads
 *
 * "absent": there is nothing to load. "offered": it is loaded if the visitor asks for it. "waiting": it is loaded soon.
 * @typedef {"absent" | "offered" | "waiting" | "loading" | "ready" | "failed"} State
 *
 * @typedef {"int8" | "fp32"} Key
 */

/** @type {Record<Key, string>} */
const NAMES = { int8: "INT8", fp32: "FP32" };

/** One of the page's two models. It dispatches a "change" event after each change of its state, progress, classifier or error. */
export class Model extends EventTarget {
  /** @type {State} */
  state = "absent";
  /** @type {Source | null} */
  source = null;
  /** @type {LoadProgress | null} */
  progress = null;
  /** @type {Classifier | null} */
  classifier = null;
  /** @type {Error | null} */
  error = null;
  /** @type {State | null} the state before "failed" */
  failedWhile = null;
  #loading = new AbortController();

  /** @param {Key} key what the model is meant to be; its file may be another */
  constructor(key) {
    super();
    this.key = key;
  }

  /** The precision as a title: that of the loaded file, or what is expected. */
  get title() {
    return NAMES[this.classifier?.info.precision ?? this.key];
  }

  /**
   * Puts another model here, which is not loaded yet.
   * @param {Source | null} source
   * @param {"offered" | "waiting"} state
   */
  replace(source, state) {
    this.#drop();
    this.source = source;
    this.#become(source ? state : "absent");
  }

  /**
   * Learns the model's size.
   * @param {number | null} bytes
   */
  measure(bytes) {
    if (!this.source || bytes === null) return;
    this.source.bytes = bytes;
    this.#changed();
  }

  /**
   * Loads the model in place of what is loaded. Resolves when loading has ended, whether it succeeded or failed.
   * @param {Settings} settings
   */
  async load(settings) {
    if (!this.source) return;
    this.#drop();
    const { signal } = this.#loading;
    this.#become("loading");
    try {
      const onProgress = (/** @type {LoadProgress} */ progress) => this.#become("loading", { progress });
      const classifier = await loadFrom(this.source, settings, signal, onProgress);
      if (signal.aborted) classifier.dispose();
      else this.#become("ready", { classifier });
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  /** Ends loading, or lets the loaded model go, until the visitor asks for it. */
  decline() {
    this.#drop();
    this.#become("offered");
  }

  /**
   * Takes a classifier that was loaded from the same source, in place of the one that is loaded.
   * @param {Classifier} classifier
   */
  exchange(classifier) {
    this.classifier?.dispose();
    this.#become("ready", { classifier });
  }

  /**
   * Changes places with the other model.
   * @param {Model} other
   */
  swap(other) {
    const [mine, its] = [this.#content(), other.#content()];
    Object.assign(this, its);
    Object.assign(other, mine);
    [this.#loading, other.#loading] = [other.#loading, this.#loading];
    this.#changed();
    other.#changed();
  }

  /** @param {unknown} error */
  fail(error) {
    this.classifier?.dispose();
    this.failedWhile = this.state;
    this.#become("failed", { error: error instanceof Error ? error : new Error(String(error)) });
  }

  #content() {
    const { state, source, progress, classifier, error, failedWhile } = this;
    return { state, source, progress, classifier, error, failedWhile };
  }

  #drop() {
    this.#loading.abort();
    this.#loading = new AbortController();
    this.classifier?.dispose();
    this.classifier = null;
  }

  /**
   * @param {State} state
   * @param {{ progress?: LoadProgress | null, classifier?: Classifier | null, error?: Error | null }} [more]
   */
  #become(state, { progress = null, classifier = null, error = null } = {}) {
    Object.assign(this, { state, progress, classifier, error });
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * Loads a classifier.
 * @param {Source} source
 * @param {Settings} settings
 * @param {AbortSignal} signal
 * @param {(progress: LoadProgress) => unknown} [onProgress]
 * @returns {Promise<Classifier>}
 */
export function loadFrom({ manifest, model, tokenizer, expected }, { backend, threads }, signal, onProgress) {
  // A card has a button that loads its model again.
  const options = { backend, threads, restart: false, cache: true, signal, ...(onProgress && { onProgress }) };
  if (manifest !== undefined) return load(manifest, options);
  if (!model || !tokenizer) throw new Error("a model needs its tokenizer");
  return load({ model, tokenizer, ...expected, ...options });
}
