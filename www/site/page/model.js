import { load } from "../bert8.js";

/**
 * One of the page's two models. `state` is "waiting", "loading", "ready" or "failed". The model dispatches a "change" event
 * after each change of its state, progress, classifier or error.
 */
export class Model extends EventTarget {
  state = "waiting";
  progress = null;
  classifier = null;
  error = null;
  failedWhile = null; // the state before "failed"
  files = null; // `{ model, tokenizer }`, what `load` loads
  #loading = new AbortController();

  constructor(key, name) {
    super();
    Object.assign(this, { key, name });
  }

  /**
   * Loads the model with these `settings`, `{ backend, threads }`. Resolves when loading has ended, whether it succeeded or
   * failed.
   */
  async load(settings) {
    this.unload();
    const { signal } = (this.#loading = new AbortController());
    // The progress of the tokenizer is not shown: it is small and downloads at the same time.
    const onProgress = (progress) => progress.file === "model" && this.#become("loading", { progress });
    this.#become("loading");
    try {
      const classifier = await load({ ...this.files, ...settings, signal, onProgress });
      if (signal.aborted) classifier.dispose();
      else this.#become("ready", { classifier });
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  unload() {
    this.#loading.abort();
    this.classifier?.dispose();
    this.#become("waiting");
  }

  fail(error) {
    this.classifier?.dispose();
    this.failedWhile = this.state;
    this.#become("failed", { error });
  }

  /** Resolves to the classifier once it is loaded. Rejects with the error if loading fails. */
  ready() {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.state === "ready") resolve(this.classifier);
        else if (this.state === "failed") reject(this.error);
        else this.addEventListener("change", look, { once: true });
      };
      look();
    });
  }

  #become(state, { progress = null, classifier = null, error = null } = {}) {
    Object.assign(this, { state, progress, classifier, error });
    this.dispatchEvent(new Event("change"));
  }
}
