// @ts-check
// Joins the two limits of a call.

/**
 * Returns a signal that aborts with the reason of `signal`, or with a `TimeoutError` after `timeoutMs`. Call `release` when the call
 * has ended.
 * @param {AbortSignal | undefined} signal
 * @param {number | undefined} timeoutMs
 */
export function limit(signal, timeoutMs) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  const onTimeout = () => controller.abort(new DOMException(`no answer within ${timeoutMs} ms (timeoutMs)`, "TimeoutError"));
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  const release = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  };
  return { signal: controller.signal, release };
}

/**
 * Waits for a promise that other calls wait for as well. Rejects as soon as `signal` aborts.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export function until(promise, signal) {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
