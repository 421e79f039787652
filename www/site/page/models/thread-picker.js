// @ts-check

/** The most threads that a model can have. */
export const MAX_THREADS = 64;

/** @typedef {"auto" | number} ThreadChoice */

/**
 * Returns the numbers of threads to offer on a processor: powers of two, and all cores.
 * @param {number} cores
 */
export function threadCounts(cores) {
  const most = Math.min(Math.max(cores, 1), MAX_THREADS);
  const counts = [];
  for (let count = 1; count < most; count *= 2) counts.push(count);
  return [...counts, most];
}

/**
 * Fills the select with numbers of threads. Calls `onChange` with the one that the user picks. Where threads cannot be used,
 * the select is disabled and `hint` says why.
 * @param {HTMLSelectElement} select
 * @param {HTMLElement} hint
 * @param {(threads: ThreadChoice) => void} onChange
 */
export function setUpThreadPicker(select, hint, onChange) {
  const reason = whyNoThreads();
  if (reason) {
    select.disabled = true;
    hint.textContent = reason;
    hint.className = "hint";
  }
  select.addEventListener("change", () => onChange(select.value === "auto" ? "auto" : Number(select.value)));
}

/**
 * Shows the number of threads that models are loaded with.
 * @param {HTMLSelectElement} select
 * @param {ThreadChoice} chosen
 */
export function showThreads(select, chosen) {
  if (select.disabled) return select.replaceChildren(new Option("1", "1"));
  const counts = new Set(threadCounts(navigator.hardwareConcurrency));
  // The address may name any number.
  if (chosen !== "auto") counts.add(chosen);
  const sorted = [...counts].sort((a, b) => a - b).map(String);
  select.replaceChildren(new Option("Auto", "auto"), ...sorted.map((count) => new Option(count, count)));
  select.value = String(chosen);
}

/**
 * Describes the threads of a loaded model, for example "1 thread (one core)".
 * @param {{ count: number, reason: string | null }} threads
 */
export function threadsText({ count, reason }) {
  const why = reason && reason !== "asked for" ? ` (${reason})` : "";
  return `${count} ${count === 1 ? "thread" : "threads"}${why}`;
}

/**
 * Returns why threads cannot be used on this page, in words for the visitor, or null if they can.
 * @returns {string | null}
 */
function whyNoThreads() {
  if (!globalThis.crossOriginIsolated) return "This page is not cross-origin isolated, so one thread computes everything.";
  if (typeof SharedArrayBuffer !== "function") return "This browser has no shared memory, so one thread computes everything.";
  return null;
}
