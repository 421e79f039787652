// @ts-check
// Finds out why a worker did not start. Browsers do not tell.

import { messageOf } from "./message-of.js";

/**
 * @typedef {object} PolicyWatch
 * @property {() => SecurityPolicyViolationEvent | undefined} found the first violation that concerns workers
 * @property {() => void} stop
 */

const WORKER_DIRECTIVES = ["worker-src", "child-src", "script-src", "script-src-elem", "default-src"];

/**
 * Watches for violations of the page's Content Security Policy that stop a worker.
 * @returns {PolicyWatch}
 */
export function watchPolicy() {
  /** @type {SecurityPolicyViolationEvent | undefined} */
  let violation;
  const listen = (/** @type {any} */ event) => {
    if (event.disposition !== "report" && WORKER_DIRECTIVES.includes(event.effectiveDirective)) violation ??= event;
  };
  globalThis.addEventListener?.("securitypolicyviolation", listen);
  return {
    found: () => violation,
    stop: () => globalThis.removeEventListener?.("securitypolicyviolation", listen),
  };
}

const LOST =
  "if a bundler has left it out, copy bert8's folder from node_modules to the site and pass its worker.js to load() as `worker`";

/**
 * Says why the worker with the script at `url` did not start, and what to do.
 * @param {string | undefined} url
 * @param {string | undefined} message what the browser says, if anything
 * @param {PolicyWatch} policy
 */
export async function explainFailure(url, message, policy) {
  if (message) return url ? `${url}: ${message}` : message;
  if (!url) return "its script could not be loaded; check what `worker` returns";
  const problem = await findProblem(url, new Set());
  const violation = policy.found();
  if (violation) {
    const { effectiveDirective, blockedURI } = violation;
    const isInner = blockedURI === "blob" || blockedURI === "data";
    const what = isInner ? `${blockedURI}: URLs, which a script of another origin (${url}) needs` : blockedURI || url;
    return `the Content Security Policy of the page (${effectiveDirective}) forbids ${what}; allow it there, or host the files of bert8 on the page's own origin`;
  }
  return problem ?? `${url} could not be loaded, although it is there; the console of the browser says more`;
}

/**
 * Returns what is wrong with a script or with one that it imports, or undefined.
 * @param {string} url
 * @param {Set<string>} seen
 * @returns {Promise<string | undefined>}
 */
async function findProblem(url, seen) {
  if (seen.has(url)) return undefined;
  seen.add(url);
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    const foreign = new URL(url).origin !== globalThis.origin;
    const advice = foreign ? "its server must allow this origin (access-control-allow-origin)" : "check the connection and the connect-src of the page's policy";
    return `${url} cannot be fetched (${messageOf(error)}); ${advice}`;
  }
  const { ok, status, statusText, headers } = response;
  if (!ok) return `the server answered ${status} ${statusText} for ${url}; deploy this file; ${LOST}`;
  const type = headers.get("content-type") ?? "";
  if (/^text\/html/i.test(type)) return `the server sent a web page instead of the script ${url}; deploy this file; ${LOST}`;
  if (!/^(text|application)\/(x-)?(java|ecma)script/i.test(type)) {
    return `the server sends ${url} with the content type "${type}"; it must be text/javascript`;
  }
  const own = headers.get("cross-origin-embedder-policy");
  if (globalThis.crossOriginIsolated && new URL(url).origin === globalThis.origin && !own) {
    return `this page is cross-origin isolated, but ${url} is sent without the header cross-origin-embedder-policy: require-corp; send it with the scripts too`;
  }
  for (const [, path] of (await response.text()).matchAll(/^\s*import\b[^"';]*["'](\.{1,2}\/[^"']+)["']/gm)) {
    const problem = await findProblem(new URL(path, response.url).href, seen);
    if (problem) return problem;
  }
  return undefined;
}
