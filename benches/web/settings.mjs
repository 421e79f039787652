// What to measure, on which hosts and how often.

const HOSTS = [
  { name: "default", title: "this processor", args: [], backend: "auto" },
  { name: "no-vnni", title: "without AVX-VNNI", args: ["--js-flags=--no-enable-avx-vnni"], backend: "auto" },
  { name: "simd128", title: "the SIMD128 build", args: [], backend: "simd128" },
];

/** The seed of the words of all measured pairs. */
export const SEED = 7;

/** Returns the number of pairs per length for the check that contenders agree. Long pairs take seconds. */
export const agreementPairs = (tokens) => (tokens > 128 ? 1 : 3);

/** The measured batches: `count` pairs of `least` to `most` tokens. */
export const BATCHES = {
  mixed: { count: 64, least: 8, most: 128 },
  short: { count: 64, least: 6, most: 31 },
};

/** The length in tokens of the pair whose answer ends the measurement of loading. */
export const FIRST_ANSWER_TOKENS = 32;

/** The measured lengths in tokens by number of threads, by model. */
export const THREAD_LENGTHS = { demo: [53], "bert-base": [16, 128] };

/**
 * How to time by number of threads. The threads of a contender sleep while another one runs, and a system takes a while to give
 * each of them a core again, on a virtual machine some ten milliseconds. So every turn warms up.
 */
export const THREAD_ROUNDS = { budgetMs: 30_000, least: 5, most: 11, shortMs: 0, blockMs: 120 };

/** Returns the measured numbers of threads up to `most`: powers of 2, and `most`. */
export function threadCounts(most) {
  const counts = [1];
  while (counts.at(-1) * 2 <= most) counts.push(counts.at(-1) * 2);
  return counts.at(-1) === most ? counts : [...counts, most];
}

/** Milliseconds to wait before a load is timed: Chromium starts a spare process after it opens a page. */
export const SETTLE_MS = 1500;

/** Returns the lengths in tokens that a run of `plan` measures, ascending, by model. */
export function measuredLengths({ lengths, threads }) {
  const byModel = Object.entries(lengths).map(([model, list]) => [model, new Set([...list, ...(threads > 1 ? THREAD_LENGTHS[model] : [])])]);
  return Object.fromEntries(byModel.map(([model, set]) => [model, [...set].sort((a, b) => a - b)]));
}

const LENGTHS = [8, 16, 32, 64, 128, 256, 512];

const FULL = {
  hosts: HOSTS,
  lengths: { demo: [...LENGTHS, 53].sort((a, b) => a - b), "bert-base": LENGTHS },
  rounds: { budgetMs: 20_000, least: 5, most: 11, shortMs: 600 },
  loads: 5,
  batchRepeats: 3,
};

const QUICK = {
  hosts: HOSTS.slice(0, 1),
  lengths: { demo: [32, 53, 128], "bert-base": [32, 128] },
  rounds: { budgetMs: 8_000, least: 3, most: 7, shortMs: 600 },
  loads: 3,
  batchRepeats: 1,
};

/** Returns the plan of a run. Hosts with browser arguments are for Chromium only. */
export function plan({ quick, browser, threads }) {
  const chosen = { ...(quick ? QUICK : FULL), threads };
  return browser === "chromium" ? chosen : { ...chosen, hosts: chosen.hosts.filter(({ args }) => args.length === 0) };
}
