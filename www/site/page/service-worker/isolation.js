// @ts-check
// Makes the page cross-origin isolated, which threads need, by the site's service worker where the server's headers do not do it.

import { dismiss, wantedScript } from "./registration.js";

/** Milliseconds to wait for the service worker. */
const PATIENCE = 5000;

/**
 * Starts the service worker that the page asks for, and reloads the page through it. Resolves to whether the page is about to
 * reload. A page that does not ask, is isolated or cannot become so stays as it is.
 *
 * Two facts prevent a second reload, and neither needs storage, which some browsers empty when a page becomes isolated: this
 * load is no reload, and no service worker was active before it. The second also holds after a hard reload, which service
 * workers do not see.
 * @returns {Promise<boolean>}
 */
export async function becomeIsolated() {
  const script = wantedScript();
  const { serviceWorker } = navigator;
  if (!script) return !wasReloaded() && dismiss();
  if (globalThis.crossOriginIsolated || !serviceWorker || serviceWorker.controller) return false;
  try {
    if ((await serviceWorker.getRegistration(script))?.active) return false;
    const controlled = new Promise((resolve) => serviceWorker.addEventListener("controllerchange", () => resolve(true), { once: true }));
    await serviceWorker.register(script);
    // It will be in charge from the next visit on.
    if (wasReloaded()) return false;
    const late = new Promise((resolve) => setTimeout(() => resolve(false), PATIENCE));
    if (!(await Promise.race([controlled, late]))) return false;
  } catch (error) {
    console.warn(`This page stays on one thread: the service worker ${script} did not start (${error})`);
    return false;
  }
  location.reload();
  return true;
}

/** Returns whether the page has just been reloaded, by a visitor or by itself. */
function wasReloaded() {
  const [navigation] = performance.getEntriesByType("navigation");
  // Without the entry nothing tells whether this is the first load.
  return !navigation || /** @type {PerformanceNavigationTiming} */ (navigation).type === "reload";
}
