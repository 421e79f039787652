// @ts-check
// A service worker that makes the site cross-origin isolated where the server cannot send the headers for it: it adds them to
// documents and to the scripts of workers. Everything else, such as models, goes to the network as if it were not there.

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

const WORKERS = ["worker", "sharedworker"];

/** The types of service workers are not among those of the page, which checks use. */
const scope = /** @type {any} */ (self);

scope.addEventListener("install", () => scope.skipWaiting());
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.mode === "navigate" || WORKERS.includes(request.destination)) event.respondWith(fetchIsolated(request));
});

/**
 * Resolves to the response with the headers of an isolated page.
 * @param {Request} request
 */
async function fetchIsolated(request) {
  const response = await fetch(request);
  // A redirection, which the browser follows itself. Nothing can be added to it.
  if (response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
