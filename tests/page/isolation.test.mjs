// The site on a server that sends no headers of its own: the service worker isolates the page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { json } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DIST } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { ENGINES, open as openEngine } from "../../tools/web/engines.mjs";
import { TYPES, listen, send, sendFile } from "../../tools/web/server.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { SAME, SUITE_TIMEOUT, assertColumn, compare, fitsNarrow, loaded, open, part, photograph, site } from "./visit.mjs";

/** Milliseconds in which a page that reloads for ever would do so again. */
const QUIET = 2000;
/** Milliseconds for a browser to start, load the models and answer. */
const ENGINE_TIMEOUT = 120_000;

const META = '<meta name="bert8-service-worker" content="service-worker.js">';
// A site without a list of its files keeps nothing, so that only visits ask for the page.
const WITHOUT_LIST = fileURLToPath(new URL("../../www/site/page/service-worker/version.js", import.meta.url));
// Reports each load of the page, and then what the page answers.
const REPORTER = `
  const { serviceWorker } = navigator;
  const post = (message) => fetch("said", { method: "POST", body: JSON.stringify(message) });
  const errors = [];
  addEventListener("error", ({ message }) => errors.push(message));
  post({ isolated: crossOriginIsolated, controlled: Boolean(serviceWorker?.controller), available: Boolean(serviceWorker) });
  const until = async (condition) => { while (!condition()) await new Promise((resolve) => setTimeout(resolve, 50)); };
  await until(() => window.bert8?.int8 && window.bert8?.fp32);
  const [{ labelId }, { info }] = [await window.bert8.int8.classify(...${JSON.stringify(SAME)}), window.bert8.int8];
  post({ labelId, info, picker: document.getElementById("threads").disabled, memory: typeof SharedArrayBuffer, errors });`;

/** A plain static server. `heads` says what index.html has in its head, by folder; `loads` counts how often a folder's page was sent. */
async function startPlain() {
  const loads = {};
  const said = [];
  const heads = {
    "/plain/": "",
    "/a/sub/folder/": META,
    "/missing/": META.replace("service-worker.js", "nowhere.js"),
    "/report/": `${META}<script type="module" src="reporter.js"></script>`,
  };
  const { origin, close } = await listen(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const folder = Object.keys(heads).find((folder) => pathname.startsWith(folder));
    if (!folder) return send(response, 404, "text/plain", "not here", {});
    if (request.method === "POST") {
      said.push(await json(request));
      return send(response, 200, "text/plain", "", {});
    }
    const file = normalize(pathname.slice(folder.length) || "index.html");
    if (file === "reporter.js") return send(response, 200, TYPES[".js"], REPORTER, {});
    if (file === "page/service-worker/version.js") return sendFile(response, WITHOUT_LIST, {});
    if (file !== "index.html") return sendFile(response, join(DIST, file), {});
    loads[folder] = (loads[folder] ?? 0) + 1;
    const html = readFileSync(join(DIST, file), "utf8").replace(META, "").replace("<title>", `${heads[folder]}<title>`);
    send(response, 200, TYPES[".html"], html, {});
  });
  return { origin, close, heads, loads, said };
}

const isolated = (page) => page.evaluate(() => crossOriginIsolated);
const threads = (page) => page.evaluate(() => window.bert8.int8.info.threads);
const REASON = "This page is not cross-origin isolated, so one thread computes everything.";

/** The page runs on one thread, says why, and answers. */
async function assertOneThread(page) {
  await loaded(page, "int8", "fp32");
  assert.equal(await isolated(page), false);
  assert.deepEqual(await threads(page), { count: 1, reason: "not cross-origin isolated" });
  assert.ok(await page.getByLabel("Threads").isDisabled());
  assert.equal(await page.locator("#threads-hint").innerText(), REASON);
  assert.match(await part(page, "int8", "facts").textContent(), / · 1 thread \(not cross-origin isolated\)$/);
  await compare(page, SAME);
  await assertColumn(page, "int8");
  await assertColumn(page, "fp32");
}

/** A browser that forgets service workers: each load looks like the first. */
const FORGETFUL = `Object.defineProperty(navigator, "serviceWorker", { value: Object.assign(new EventTarget(), {
  controller: null,
  getRegistration: async () => undefined,
  register: async function () { setTimeout(() => this.dispatchEvent(new Event("controllerchange"))); },
}) });`;

describe("isolation", { timeout: SUITE_TIMEOUT + ENGINES.length * ENGINE_TIMEOUT }, () => {
  let server;

  before(async () => {
    server = await startPlain();
  });
  after(() => server.close());

  test("a page that asks for it is isolated after one reload, also in a sub-folder", async () => {
    const folder = "/a/sub/folder/";
    const page = await open({ url: server.origin + folder, serviceWorkers: "allow" });
    await page.waitForFunction(() => window.crossOriginIsolated);
    await loaded(page, "int8", "fp32");
    assert.notEqual((await threads(page)).reason, "not cross-origin isolated");
    assert.ok(await page.getByLabel("Threads").isEnabled());
    await compare(page, SAME);
    await assertColumn(page, "int8");
    await assertColumn(page, "fp32");
    await sleep(QUIET);
    assert.equal(server.loads[folder], 2);
    const models = page.log.responses.filter((response) => response.url().endsWith(".onnx") && response.request().method() === "GET");
    assert.equal(models.length, 2, "models are downloaded once");
    assert.ok(models.every((response) => !response.fromServiceWorker()), "downloads bypass the service worker");

    // A hard reload bypasses the service worker.
    const session = await page.context().newCDPSession(page);
    const reloaded = page.waitForEvent("load");
    await session.send("Page.reload", { ignoreCache: true });
    await reloaded;
    await assertOneThread(page);
    await sleep(QUIET);
    assert.equal(server.loads[folder], 3);

    await page.reload();
    await loaded(page, "int8", "fp32");
    assert.ok(await isolated(page));
    assert.equal(server.loads[folder], 4);

    // The owner no longer asks for it.
    server.heads[folder] = "";
    try {
      await page.goto(server.origin + folder);
      await page.waitForFunction(() => !window.crossOriginIsolated);
      await assertOneThread(page);
      await sleep(QUIET);
      assert.equal(server.loads[folder], 6);
      assert.equal(await page.evaluate(() => navigator.serviceWorker.getRegistrations().then(({ length }) => length)), 0);
    } finally {
      server.heads[folder] = META;
    }
    assert.deepEqual(page.log.errors, []);
    assert.deepEqual(page.log.foreign, []);
    await page.context().close();
  });

  test("a page that does not ask has no service worker, says why it has one thread, and answers", async () => {
    const page = await open({ url: `${server.origin}/plain/`, serviceWorkers: "allow" });
    await assertOneThread(page);
    assert.equal(await page.evaluate(() => navigator.serviceWorker.getRegistrations().then(({ length }) => length)), 0);
    assert.equal(server.loads["/plain/"], 1);
    assert.deepEqual(page.log.errors, []);
    await photograph(page, "one-thread");
    assert.ok(await fitsNarrow(page));
    await page.context().close();
  });

  test("a page whose server isolates it is not loaded again", async () => {
    const page = await open({ serviceWorkers: "allow" });
    await loaded(page, "int8");
    assert.ok(await isolated(page));
    await sleep(QUIET);
    // The service worker asks for the document as well, to keep it.
    assert.equal(await page.evaluate(() => performance.getEntriesByType("navigation")[0].type), "navigate");
    await page.context().close();
  });

  test("a browser that forgets service workers reloads the page once", async () => {
    const folder = "/a/sub/folder/";
    const earlier = server.loads[folder] ?? 0;
    const page = await open({ url: server.origin + folder, prepare: FORGETFUL, serviceWorkers: "allow" });
    await assertOneThread(page);
    await sleep(QUIET);
    assert.equal(server.loads[folder] - earlier, 2);
    await page.context().close();
  });

  test("a service worker that cannot be loaded leaves the page on one thread", async () => {
    const page = await open({ url: `${server.origin}/missing/`, serviceWorkers: "allow" });
    await assertOneThread(page);
    await sleep(QUIET);
    assert.equal(server.loads["/missing/"], 1);
    await page.context().close();
  });

  for (const engine of ENGINES) {
    const missing = skipUnless(engine.command, `isolation in ${engine.name}: it is not installed`, { optional: true });
    const skip = EXTRA_ARGS.length > 0 ? "BERT8_CHROMIUM_ARGS is for Chromium only" : missing;
    test(`${engine.name} isolates the page after one reload`, { skip, timeout: ENGINE_TIMEOUT + 20_000 }, async () => {
      server.said.length = 0;
      server.loads["/report/"] = 0;
      const browser = openEngine(engine, `${server.origin}/report/`, ENGINE_TIMEOUT);
      try {
        const answered = () => server.said.find(({ info }) => info);
        const seen = () => `${engine.name}: page sent ${server.loads["/report/"]} times; it said ${JSON.stringify(server.said)}`;
        let failure;
        browser.ended.catch((error) => (failure = error));
        while (!answered() && !failure) await sleep(100);
        assert.equal(failure, undefined, `${failure}; ${seen()}`);
        await sleep(QUIET);
        const visits = server.said.filter(({ available }) => available !== undefined);
        assert.equal(server.loads["/report/"], 2, JSON.stringify(visits));
        assert.deepEqual(visits.map(({ isolated, controlled }) => [isolated, controlled]), [[false, false], [true, true]]);
        const { labelId, info, picker, memory, errors } = answered();
        assert.equal(labelId, 1);
        assert.equal(picker, memory !== "function", "the picker is enabled where memory can be shared");
        assert.equal(info.threads.reason === "not cross-origin isolated", memory !== "function");
        assert.deepEqual(errors, []);
      } finally {
        browser.stop();
      }
    });
  }
});
