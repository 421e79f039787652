// @ts-check
// The site's service worker. It keeps the site's own files for visits without a network, and it makes the page cross-origin
// isolated where the server cannot send the headers for it. Models are not among the files: load() keeps them.
//
// Files are kept by version. files.json, which tools/web/list-files.mjs writes, names a version's files and their hashes. A version
// is used once all its files are there. A page goes on with the version that it began with, and so do the page's workers.

/** The types of service workers are not among those of the page, which checks use. */
const scope = /** @type {any} */ (self);

/** The address of the page and the start of the addresses of all its files. */
const PAGE = scope.registration.scope;
const LIST = new URL("files.json", PAGE).href;

/** What the names of the site's caches start with. Other sites of this origin have their own. page/service-worker/registration.js deletes them. */
const CACHES = `bert8-site ${PAGE} `;

/** The cache that says which version each client uses. */
const CLIENTS = `${CACHES}clients`;

/** In place of a version: the client began with files that are not kept yet. */
const NETWORK = "network";

/** Precedes the id of a worker's parent, whose version it uses. */
const PARENT = "parent ";

/** The files that may be in the list, by their extensions: the same as in tools/web/list-files.mjs. */
const KEPT = /\.(css|html|js|json|svg|tsv|txt|wasm)$/;

const WORKERS = ["worker", "sharedworker"];

/** Milliseconds in which the server must say which version it has. After that, a visit counts as one without a network. */
const PATIENCE = 3000;

/** Milliseconds in which a new client may not be known to the browser yet. */
const YOUNG = 60_000;

const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * @typedef {object} List
 * @property {string} version
 * @property {Record<string, string>} files hashes by addresses, which are relative to the page's
 *
 * @typedef {object} Question what the page posts
 * @property {string} version of the page's own files
 * @property {string[]} leaveOut what the addresses of files start with that this browser does not need
 *
 * @typedef {object} Reply
 * @property {boolean} kept whether the page can be visited without a network
 * @property {string} [problem] why the newest files could not be kept
 */

scope.addEventListener("install", () => scope.skipWaiting());
// The activation does not wait for the claim. Firefox also claims the page's workers, which answer late while they compute, and it
// holds all requests of the page until the activation has ended.
scope.addEventListener("activate", () => void scope.clients.claim());

scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method !== "GET" || request.headers.has("range") || !request.url.startsWith(PAGE)) return;
  if (request.mode === "navigate") event.respondWith(visit(event));
  else if (KEPT.test(new URL(request.url).pathname)) event.respondWith(answer(event));
});

scope.addEventListener("message", (/** @type {any} */ event) => {
  const [port] = event.ports;
  const tell = (/** @type {Reply} */ reply) => port.postMessage(reply);
  const failed = async (/** @type {Error} */ { message }) => {
    const versions = await keptVersions().catch(() => []);
    tell({ kept: versions.length > 0, problem: message });
  };
  event.waitUntil(keep(event.data, event.source.id).then(() => tell({ kept: true }), failed));
});

// Answers

/**
 * Answers a navigation: from the version that the server has now, or from the newest one that is kept if the server is silent.
 * @param {any} event
 */
async function visit({ request, resultingClientId }) {
  const url = withoutQuery(request.url);
  const kept = await keptVersions().catch(() => []);
  const newest = kept.at(-1);
  const copy = await find(newest, url);
  if (!newest || !copy) return isolated(await fetch(request));
  const version = await versionNow(kept, url);
  const found = await find(version, url);
  if (found) return begin(resultingClientId, version, found);
  try {
    // A page of a new version must not get old files from the browser's HTTP cache.
    return await begin(resultingClientId, NETWORK, await fetch(request.url, { cache: "no-cache", redirect: "manual" }));
  } catch {
    return begin(resultingClientId, newest, copy);
  }
}

/**
 * Answers a request of a page or a worker from the version that it uses.
 * @param {any} event
 */
async function answer({ request, clientId, resultingClientId }) {
  const version = await versionOf(clientId, request.referrer);
  if (WORKERS.includes(request.destination)) {
    lastStarted.set(request.url, version);
    if (resultingClientId) await remember(resultingClientId, PARENT + clientId);
    return isolated((await find(version, request.url)) ?? (await ask(request, version)));
  }
  return (await find(version, request.url)) ?? ask(request, version);
}

/**
 * @param {Request} request
 * @param {string | undefined} version
 */
const ask = (request, version) => fetch(request, version === NETWORK ? { cache: "no-cache" } : {});

/**
 * Notes what a new page uses. Resolves to its document.
 * @param {string} client
 * @param {string} version
 * @param {Response} response
 */
async function begin(client, version, response) {
  await remember(client, version);
  return isolated(response);
}

/**
 * Returns the response with the headers of an isolated page, where the server has sent none.
 * @param {Response} response
 */
function isolated(response) {
  // A redirection, which the browser follows itself. Nothing can be added to it.
  if (response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) if (!headers.has(name)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

// Versions

/** @param {string} version */
const cacheOf = (version) => CACHES + version;

/** @param {string} url */
function withoutQuery(url) {
  const { origin, pathname } = new URL(url);
  const address = origin + pathname;
  return address === `${PAGE}index.html` ? PAGE : address;
}

/**
 * Resolves to what the server has now. Rejects if it does not answer in time, or that it is out of order.
 * @param {string} url
 */
async function fetchNow(url) {
  const response = await fetch(url, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE) });
  if (response.status >= 500) throw new Error(`the server answered ${response.status}`);
  return response;
}

/**
 * Resolves to the list of the server's files; to null if the server answers without one. Rejects if it does not answer.
 * @returns {Promise<List | null>}
 */
async function fetchList() {
  const response = await fetchNow(LIST);
  return response.ok ? response.json().catch(() => null) : null;
}

/**
 * Resolves to what a new page is to use.
 * @param {string[]} kept not empty
 * @param {string} url the page's document, which is kept
 */
async function versionNow(kept, url) {
  try {
    const [list, text] = await Promise.all([fetchList(), fetchNow(url).then((response) => response.text())]);
    const version = kept.find((version) => version === list?.version);
    // Somebody may have changed the document without a new list.
    return version && (await (await find(version, url))?.text()) === text ? version : NETWORK;
  } catch {
    return /** @type {string} */ (kept.at(-1));
  }
}

/** Resolves to the versions that are complete, the newest last. */
async function keptVersions() {
  const names = (await caches.keys()).filter((name) => name.startsWith(CACHES) && name !== CLIENTS);
  const complete = await Promise.all(names.map((cacheName) => caches.match(LIST, { cacheName })));
  return names.filter((_, i) => complete[i]).map((name) => name.slice(CACHES.length));
}

/**
 * Resolves to a file of a version, if it is kept.
 * @param {string | undefined} version
 * @param {string} url
 * @returns {Promise<Response | undefined>}
 */
async function find(version, url) {
  if (!version || version === NETWORK) return undefined;
  return caches.match(url, { cacheName: cacheOf(version), ignoreVary: true }).catch(() => undefined);
}

/** One after another: two tabs need not download the same files. */
let keeping = Promise.resolve();

/**
 * Keeps the files that the server has now, and lets those go that nobody uses.
 * @param {Question} question
 * @param {string} client the page that asks
 */
function keep({ version, leaveOut }, client) {
  const kept = keeping.then(async () => {
    const list = await fetchList();
    if (!list) throw new Error("the site has no list of its files");
    const needed = [list.version, ...(await keptVersions()).slice(-1)];
    await download(list, leaveOut).catch((error) => tidy(needed).then(() => Promise.reject(error)));
    // A page of another version goes on as it began.
    if (list.version === version && !(await usesAnother(client, version))) await remember(client, version);
    await tidy([list.version]);
  });
  keeping = kept.catch(() => {});
  return kept;
}

/**
 * @param {string} client
 * @param {string} version
 */
async function usesAnother(client, version) {
  return ![undefined, NETWORK, version].includes(await versionOf(client));
}

/**
 * Downloads the files of a version that are not kept yet.
 * @param {List} list
 * @param {string[]} leaveOut
 */
async function download({ version, files }, leaveOut) {
  const name = cacheOf(version);
  const earlier = await Promise.all((await keptVersions()).map(async (kept) => ({ kept, list: await (await find(kept, LIST))?.json() })));
  const cache = await caches.open(name);
  const there = new Set((await cache.keys()).map(({ url }) => url));
  const keepFile = async (/** @type {[string, string]} */ [address, integrity]) => {
    const url = new URL(address, PAGE).href;
    if (there.has(url) || leaveOut.some((start) => address.startsWith(start))) return;
    const same = earlier.find(({ list }) => list.files[address] === integrity);
    const response = (await find(same?.kept, url)) ?? (await fetch(url, { integrity, cache: "no-cache" }));
    if (!response.ok) throw new Error(`the server answered ${response.status} for ${url}`);
    await cache.put(url, response);
  };
  const outcomes = await Promise.allSettled(Object.entries(files).map(keepFile));
  const failed = outcomes.find(({ status }) => status === "rejected");
  try {
    if (failed) throw /** @type {PromiseRejectedResult} */ (failed).reason;
    if (!there.has(LIST)) await cache.put(LIST, new Response(JSON.stringify({ version, files })));
  } catch (error) {
    // What has arrived serves the next attempt, unless there is no room for it.
    if (/** @type {Error} */ (error).name === "QuotaExceededError") await caches.delete(name);
    throw error;
  }
}

/**
 * Deletes the versions that no client uses.
 * @param {string[]} needed those that stay
 */
async function tidy(needed) {
  const used = new Set([...needed, "clients"]);
  const cache = await caches.open(CLIENTS);
  /** @type {Map<string, { request: Request, value: string, isYoung: boolean }>} */
  const clients = new Map();
  for (const request of await cache.keys()) {
    const response = await cache.match(request);
    const isYoung = Date.now() - Number(response?.headers.get(BEGAN)) < YOUNG;
    clients.set(new URL(request.url).searchParams.get("client") ?? "", { request, value: (await response?.text()) ?? "", isYoung });
  }
  /** @type {(id: string) => string} */
  const pageOf = (id) => {
    const parent = parentIn(clients.get(id)?.value);
    return parent === undefined ? id : pageOf(parent);
  };
  for (const [id, { request, value, isYoung }] of clients) {
    if (isYoung || (await scope.clients.get(pageOf(id)))) {
      used.add(value);
    } else {
      remembered.delete(id);
      await cache.delete(request);
    }
  }
  const names = (await caches.keys()).filter((name) => name.startsWith(CACHES) && !used.has(name.slice(CACHES.length)));
  await Promise.all(names.map((name) => caches.delete(name)));
}

// Clients: pages and workers

/** @type {Map<string, string>} what each client uses, as far as this run of the service worker knows. The cache outlives it. */
const remembered = new Map();

/** @type {Map<string, string | undefined>} the version of the worker that was started last, by the address of its script */
const lastStarted = new Map();

/** The header that says when a client began. */
const BEGAN = "x-began";

/**
 * Returns the id of a worker's parent, if that is what is remembered of a client.
 * @param {string | undefined} value
 */
const parentIn = (value) => (value?.startsWith(PARENT) ? value.slice(PARENT.length) : undefined);

/** @param {string} client */
const keyOf = (client) => `${PAGE}?client=${encodeURIComponent(client)}`;

/**
 * Remembers the version that a client uses.
 * @param {string} client
 * @param {string} value a version, or the client's parent
 */
async function remember(client, value) {
  remembered.set(client, value);
  try {
    const cache = await caches.open(CLIENTS);
    await cache.put(keyOf(client), new Response(value, { headers: { [BEGAN]: String(Date.now()) } }));
  } catch {
    // Storage is full or forbidden. It is known as long as this service worker runs.
  }
}

/**
 * Resolves to the version that a client uses, to NETWORK, or to undefined if it began without this service worker.
 * @param {string} client empty for a worker of a worker in Chromium
 * @param {string} [referrer] the address of the page or the script that asks
 * @returns {Promise<string | undefined>}
 */
async function versionOf(client, referrer = "") {
  if (!client) return lastStarted.get(referrer);
  const stored = () => caches.match(keyOf(client), { cacheName: CLIENTS }).then((response) => response?.text(), () => undefined);
  const value = remembered.get(client) ?? (await stored());
  const parent = parentIn(value);
  return parent === undefined ? value : versionOf(parent);
}
