// @ts-check
// The site's service worker, which the page has unless its owner removes <meta name="bert8-service-worker"> from index.html.

const SCRIPT = "service-worker.js";

/** What the names of its caches start with, before the address of the site. */
const CACHES = "bert8-site";

/**
 * Returns the address of the service worker, if the page is to have it.
 * @returns {string | undefined}
 */
export function wantedScript() {
  const meta = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="bert8-service-worker"]'));
  return meta ? new URL(meta.content || SCRIPT, document.baseURI).href : undefined;
}

/**
 * Ends the service worker of a page that has had one in the past and deletes what it kept. The page must be loaded again without
 * it: new worker scripts would lack the headers of isolation, and the files of the page may be old. Resolves to whether it is
 * about to be.
 */
export async function dismiss() {
  const { serviceWorker } = navigator;
  if (serviceWorker?.controller?.scriptURL !== new URL(SCRIPT, document.baseURI).href) return false;
  const registration = await serviceWorker.getRegistration();
  if (!registration || !(await registration.unregister())) return false;
  const names = await caches.keys().catch(() => []);
  await Promise.all(names.filter((name) => name.startsWith(`${CACHES} ${registration.scope} `)).map((name) => caches.delete(name)));
  location.reload();
  return true;
}
