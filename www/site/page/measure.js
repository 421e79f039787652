// Enough runs for a stable median, but at most 1.5 seconds of them.
const REPEATS = { warmup: 1, runs: 25, budgetMs: 1500 };

let queue = Promise.resolve();

/** Runs `job` after all earlier jobs have ended: two models that run at once would slow each other down. */
export function alone(job) {
  const done = queue.then(job);
  queue = done.catch(() => {});
  return done;
}

/** Classifies one or two texts repeatedly, for a stable timing. */
export const measure = (classifier, texts) => classifier.classify(...texts, REPEATS);

/** How many times as fast the INT8 answer was. */
export const speedup = (fp32, int8) => fp32.timing.inferMs / int8.timing.inferMs;
