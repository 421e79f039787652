// @ts-check
// Ends workers that have threads of their own. Chromium may keep a worker, its threads and their memory if the worker is terminated
// while its threads are ending.

/** For how many milliseconds a worker may end its threads. */
const CLOSE_MS = 2000;

/** For how many milliseconds a worker stays after that: its threads need a moment to be gone. */
const STAY_MS = 300;

/**
 * Ends a worker that has been asked to close, soon after it has posted { closed: true }, or after two seconds.
 * @param {Worker} worker
 */
export function endWorker(worker) {
  const late = setTimeout(() => worker.terminate(), CLOSE_MS);
  worker.onmessage = ({ data }) => {
    if (!data.closed) return;
    clearTimeout(late);
    setTimeout(() => worker.terminate(), STAY_MS);
  };
}
