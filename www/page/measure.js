// Enough repeats for a stable median, few enough not to keep anyone waiting.
const REPEATS = { warmup: 1, runs: 25, budgetMs: 1500 };

let queue = Promise.resolve();

/** Runs `job` when no other job runs: two models at once would slow each other down. */
export function alone(job) {
  const done = queue.then(job);
  queue = done.catch(() => {});
  return done;
}

/** A classification with timings worth showing. */
export const measure = (classifier, a, b) => classifier.classify(a, b, REPEATS);

/** Which answer is faster, as a factor. */
export const speedup = (fp32, int8) => fp32.timing.inferMs / int8.timing.inferMs;
