// @ts-check
// Keeps the page for visits without a network, once its models are loaded, and says in one line what is kept.

import { pickBackends } from "../../backend.js";
import { cache } from "../../bert8.js";
import { models } from "../models/models.js";
import { byId, setText } from "../shared/dom.js";
import { wantedScript } from "./registration.js";
import { VERSION } from "./version.js";

/** @import { Source } from "../models/model.js" */

/** The folders of the WebAssembly builds. */
const FOLDERS = { "relaxed-simd": "pkg/relaxed/", simd128: "pkg/simd128/" };

/** The folder of the quantizer, which few visitors need. */
const QUANTIZER = "pkg/quantizer/";

/** Milliseconds between two looks at what is kept, and how often to look: a model is stored soon after it is loaded. */
const PAUSE = 1000;
const LOOKS = 15;

/** @type {{ kept: boolean, problem?: string } | null} what the service worker has said about the page's own files */
let page = null;
let asked = false;
/** Counts the changes of what is to be said. */
let turn = 0;

/** Keeps the page after its models have been loaded, so as not to slow these down, and shows what is kept from now on. */
export function setUpOffline() {
  const script = wantedScript();
  if (!script || VERSION === null) return;
  models.addEventListener("change", () => {
    if (models.present.length === 0 || models.all.some(({ state }) => state === "waiting" || state === "loading")) return;
    if (!asked) keepPage(script);
    asked = true;
    show();
  });
}

/** @param {string} script */
async function keepPage(script) {
  page = await requestKeeping(script).catch((error) => ({ kept: false, problem: error instanceof Error ? error.message : String(error) }));
  show();
}

/**
 * @param {string} script
 * @returns {Promise<{ kept: boolean, problem?: string }>}
 */
async function requestKeeping(script) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) {
    throw new Error(isSecureContext ? "this browser runs no service worker here" : "browsers keep pages only over HTTPS and from localhost");
  }
  await serviceWorker.register(script);
  const { active } = await serviceWorker.ready;
  const [best] = pickBackends("auto");
  const leaveOut = [QUANTIZER, ...Object.entries(FOLDERS).filter(([backend]) => backend !== best).map(([, folder]) => folder)];
  const { port1, port2 } = new MessageChannel();
  const reply = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  active?.postMessage({ version: VERSION, leaveOut }, [port2]);
  return reply;
}

/** Says what is kept, and again when models have been stored. */
async function show() {
  if (!page) return;
  const current = ++turn;
  for (let look = 0; look < LOOKS; look++) {
    const { text, complete } = await status(page);
    if (current !== turn) return;
    setText(byId("offline"), text);
    if (complete) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (current !== turn) return;
  }
}

/**
 * Returns the line, and whether it says all that can be said.
 * @param {{ kept: boolean, problem?: string }} page
 */
async function status({ kept, problem }) {
  if (!kept) return { text: `Not available offline: ${problem?.replace(/\.$/, "")}.`, complete: true };
  const stored = new Set((await cache.list().catch(() => [])).map(({ url }) => url));
  const missing = models.ready.filter(({ source }) => source && !isKept(source, stored));
  if (models.ready.length === 0) return { text: "This page is available offline.", complete: true };
  if (missing.length === 0) return { text: `Available offline: this page and ${named(models.ready)}.`, complete: true };
  return { text: `This page is available offline, but not ${named(missing)}.`, complete: false };
}

/** @param {import("../models/model.js").Model[]} list */
const named = (list) => list.map((model) => models.nameOf(model)).join(" and ");

/**
 * Returns whether all files of a model are stored.
 * @param {Source} source
 * @param {Set<string>} stored
 */
function isKept({ manifest, model, tokenizer }, stored) {
  const files = manifest === undefined ? [model, tokenizer] : [manifest.replace(/\/$/, "/manifest.json")];
  return files.every((file) => typeof file === "string" && stored.has(new URL(file, document.baseURI).href));
}
