// Models whose answers cost nothing, for tests of many rows.

/**
 * Returns a script that replaces the workers of models; other workers stay. A model with two classes answers from the length of
 * the first text. After `waitAfter` answers, each takes 20 ms; after `failAfter`, they fail. Both can be changed on `window`, which
 * also counts the answers.
 */
export const imitate = ({ waitAfter = Infinity, failAfter = Infinity }) => `{
  Object.assign(window, { waitAfter: ${waitAfter}, failAfter: ${failAfter}, answered: 0 });
  const info = {
    backend: "simd128", kernel: "imitation", threads: { count: 1, reason: "asked for" }, modelBytes: 1, memoryBytes: 1, layers: 1,
    hidden: 1, maxLength: 64, labels: ["not_equivalent", "equivalent"], problem: "single-label", texts: "pair", threshold: null,
    accuracy: null, loadMs: 1,
  };
  const RealWorker = window.Worker;
  window.Worker = function (url, options) {
    return String(url).includes("/data/") ? new RealWorker(url, options) : new Imitation();
  };
  class Imitation {
    postMessage({ id, operation, args }) {
      if (!id) return;
      if (operation === "load") this.key = JSON.stringify(args.model).includes("fp32") ? "fp32" : "int8";
      const late = operation === "classify" && window.answered++ >= window.waitAfter;
      const failed = operation === "classify" && window.answered >= window.failAfter;
      const reply = failed ? { id, error: { message: "it crashed" } } : { id, result: operation === "load" ? { ...info, precision: this.key } : this.#answer(args.texts) };
      if (late) return setTimeout(() => this.onmessage({ data: reply }), 20);
      // A task for each message, as with a worker.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => this.onmessage({ data: reply }, port1.close());
      port2.postMessage(null);
    }
    #answer([first]) {
      const number = Number(/\\d+/.exec(first)?.[0] ?? 0);
      const logit = Math.sin(number) * 3 + (this.key === "int8" ? 0.1 * Math.cos(number * 7) : 0);
      const yes = 1 / (1 + Math.exp(-logit));
      return { problem: "single-label", label: info.labels[Number(yes > 0.5)], labelId: Number(yes > 0.5), labels: [], probabilities: [1 - yes, yes],
        score: null, logits: [0, logit], tokens: 8 + (number % 50), truncated: false, timing: { tokenizeMs: 0.01, inferMs: this.key === "int8" ? 1 : 4, runs: 1 } };
    }
    terminate() {}
  }
}`;
