// The site's service worker: visits without a network, and deploys of another build.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, afterEach, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DIST } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { ENGINES, open as openEngine } from "../../tools/web/engines.mjs";
import { listen, send } from "../../tools/web/server.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { anotherBuild, hasPython, makeHost } from "./host.mjs";
import { SAME, SUITE_TIMEOUT, assertColumn, compare, loaded, open, part, site, visit } from "./visit.mjs";

/** Milliseconds for a browser to make four visits. */
const ENGINE_TIMEOUT = 180_000;

const FIRST = "bert8 · INT8 BERT in a browser tab";
const SECOND = `Second: ${FIRST}`;
const BOTH = "Available offline: this page and INT8 and FP32.";
const WORKER = '<meta name="bert8-service-worker" content="service-worker.js">';

const ask = (page) => page.evaluate(async ([a, b]) => (await window.bert8.int8.classify(a, b)).labelId, SAME);
const buildOf = (page) => page.evaluate(async () => /BUILD = "(\w+)"/.exec(await (await fetch("pkg/build.js")).text())[1]);
const registrations = (page) => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
/** The names of the site's caches of files, without what they start with. */
const versions = (page) =>
  page.evaluate(async () => (await caches.keys()).map((name) => name.split(" ")).filter(([start, , last]) => start === "bert8-site" && last !== "clients").map((parts) => parts[2]));

/** Waits until the page says what is kept, as `expected`. */
async function says(page, expected) {
  const line = page.locator("#offline");
  await line.filter({ hasText: /./ }).waitFor();
  for (let tries = 0; tries < 100 && (await line.textContent()) !== expected; tries++) await page.waitForTimeout(100);
  assert.equal(await line.textContent(), expected);
}

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 ? "BERT8_CHROMIUM_ARGS is set" : skipUnless(hasPython, "visits without a network: python3 is not installed");

describe("the page without a network", { skip, timeout: SUITE_TIMEOUT + ENGINES.length * ENGINE_TIMEOUT }, () => {
  let host;

  before(async () => {
    host = await makeHost();
  });
  afterEach(() => host.stop());
  after(() => host.remove());

  /** Visits the page in a new browser context. */
  const first = (options = {}) => open({ url: host.url, serviceWorkers: "allow", ...options });
  /** Visits it in another tab. */
  const again = (page, query = "") => visit(page.context(), { url: host.url + query });

  test("a second visit needs no network; after a deploy, new pages are new and old ones go on", async () => {
    host.deploy();
    await host.start();
    const old = await first();
    await loaded(old, "int8", "fp32");
    await says(old, BOTH);
    const [version] = await versions(old);
    const build = await buildOf(old);
    const models = old.log.responses.filter((response) => response.url().endsWith(".onnx"));
    assert.ok(models.length >= 2 && models.every((response) => !response.fromServiceWorker()), "downloads bypass the service worker");

    await host.stop();
    const offline = await again(old);
    await loaded(offline, "int8", "fp32");
    assert.ok(await offline.evaluate(() => crossOriginIsolated));
    await compare(offline, SAME);
    await assertColumn(offline, "int8");
    await assertColumn(offline, "fp32");
    await says(offline, BOTH);
    await offline.close();
    const withQuery = await again(old, "?load=int8&threads=1#a=x");
    await loaded(withQuery, "int8");
    await says(withQuery, "Available offline: this page and INT8.");
    assert.deepEqual(await withQuery.evaluate(() => window.bert8.int8.info.threads), { count: 1, reason: "asked for" });

    host.deploy(anotherBuild());
    await host.start();
    const fresh = await again(old);
    await loaded(fresh, "int8", "fp32");
    assert.equal(await fresh.title(), SECOND);
    assert.notEqual(await buildOf(fresh), build);
    await says(fresh, BOTH);
    // The pages from before the deploy start workers, threads and modules of their own build.
    for (const page of [old, withQuery]) {
      assert.equal(await page.title(), FIRST);
      assert.equal(await buildOf(page), build);
      const before = await part(page, "int8", "facts").textContent();
      await page.selectOption("#threads", before.includes(" 2 threads") ? "1" : "2");
      await page.waitForFunction((before) => document.querySelector("[data-model=int8] [data-part=facts]").textContent !== before, before);
      assert.equal(await page.locator("#problems").textContent(), "");
      assert.equal(await ask(page), 1);
      await page.click("#data-examples");
      await page.locator("#data-view").filter({ hasText: /./ }).waitFor();
    }
    assert.equal((await versions(fresh)).length, 2, "both builds are in use");

    await host.stop();
    const last = await again(old, "?load=int8");
    await loaded(last, "int8");
    assert.equal(await last.title(), SECOND);
    assert.equal(await ask(last), 1);
    for (const page of [old, withQuery, fresh]) await page.close();
    assert.deepEqual(old.log.foreign, []);
    assert.ok((await versions(last)).includes(version));
    await last.context().close();
  });

  test("a deploy of files that do not belong together leaves the copy that works", async () => {
    host.deploy();
    await host.start();
    const page = await first({ url: `${host.url}?load=int8` });
    await says(page, "Available offline: this page and INT8.");
    host.deploy(anotherBuild());
    host.edit({ "pkg/build.js": (text) => `${text}// of a third build\n` });
    const broken = await again(page, "?load=int8");
    await says(broken, "Available offline: this page and INT8.");
    assert.equal(await broken.title(), SECOND);
    await host.stop();
    const offline = await again(page, "?load=int8");
    await loaded(offline, "int8");
    assert.equal(await offline.title(), FIRST);
    await host.start();
    host.deploy(anotherBuild());
    await says(await again(page, "?load=int8"), "Available offline: this page and INT8.");
    await host.stop();
    assert.equal(await (await again(page, "?load=int8")).title(), SECOND);
    await page.context().close();
  });

  test("a server that says nothing counts as none", async () => {
    host.deploy();
    await host.start();
    const page = await first({ url: `${host.url}?load=int8` });
    await says(page, "Available offline: this page and INT8.");
    host.silence();
    const silent = await page.context().newPage();
    await silent.goto(`${host.url}?load=int8`, { waitUntil: "commit" });
    await silent.locator("#example option").nth(1).waitFor({ state: "attached" });
    await page.context().close();
  });

  test("a document that was changed without a new list is not hidden by the copy", async () => {
    host.deploy();
    await host.start();
    const page = await first({ url: `${host.url}?load=int8` });
    await says(page, "Available offline: this page and INT8.");
    host.edit({ "index.html": (text) => text.replace("<title>", "<title>Edited: ") });
    assert.equal(await (await again(page, "?load=int8")).title(), `Edited: ${FIRST}`);
    await page.context().close();
  });

  test("an owner who removes the element from the page ends the service worker and its copies", async () => {
    host.deploy();
    await host.start();
    const page = await first({ url: `${host.url}?load=int8` });
    await says(page, "Available offline: this page and INT8.");
    assert.equal(await registrations(page), 1);
    host.edit({ "index.html": (text) => text.replace(WORKER, "") });
    const without = await again(page, "?load=int8");
    await loaded(without, "int8");
    await without.waitForFunction(async () => (await navigator.serviceWorker.getRegistrations()).length === 0);
    await without.waitForFunction(() => !crossOriginIsolated && window.bert8?.int8);
    assert.deepEqual(await versions(without), []);
    assert.equal(await without.locator("#offline").textContent(), "");
    await page.context().close();
  });

  test("a site without a list of its files is isolated, and keeps nothing", async () => {
    host.deploy({}, { listed: false });
    await host.start();
    const page = await first({ url: `${host.url}?load=int8` });
    await page.waitForFunction(() => crossOriginIsolated && window.bert8?.int8);
    assert.equal(await ask(page), 1);
    assert.equal(await page.locator("#offline").textContent(), "");
    assert.deepEqual(await versions(page), []);
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("storage that is full costs the copy and not the page", async () => {
    host.deploy();
    await host.start();
    const page = await first({ url: "about:blank" });
    const session = await page.context().newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(host.url).origin, quotaSize: 2_000_000 });
    for (const tab of [page, await page.context().newPage()]) {
      await tab.goto(`${host.url}?load=int8`);
      await loaded(tab, "int8");
      assert.equal(await ask(tab), 1);
      await tab.locator("#offline").filter({ hasText: /^Not available offline: .*(quota|full)/i }).waitFor();
      assert.deepEqual(await versions(tab), []);
    }
    await page.context().close();
  });

  test("storage that is refused costs the copy and not the page", async () => {
    const refuse = `for (const name of ["open", "keys", "match", "delete", "has"]) {
      CacheStorage.prototype[name] = () => Promise.reject(new DOMException("The operation is insecure.", "SecurityError"));
    }\n`;
    host.deploy({ "service-worker.js": (text) => refuse + text });
    await host.start();
    const page = await first({ url: `${host.url}?load=int8`, prepare: refuse });
    for (const tab of [page, await again(page, "?load=int8")]) {
      await loaded(tab, "int8");
      assert.equal(await ask(tab), 1);
      await tab.locator("#offline").filter({ hasText: /^Not available offline: The operation is insecure\.$/ }).waitFor();
    }
    assert.deepEqual(page.log.errors, []);
    await page.context().close();
  });

  test("ranges, other methods, other folders and models go past the service worker", async () => {
    host.deploy();
    await host.start();
    const page = await first({ url: `${host.url}?load=int8` });
    await says(page, "Available offline: this page and INT8.");
    const second = await again(page, "?load=int8");
    await loaded(second, "int8");
    const through = async (url, init) => {
      const response = second.waitForEvent("response", (response) => response.url().includes(url.replace(/^(\.\.\/)+/, "")));
      await second.evaluate(([url, init]) => fetch(url, init).catch(() => {}), [url, init]);
      return (await response).fromServiceWorker();
    };
    assert.equal(await through("icon.svg", {}), true);
    assert.equal(await through("icon.svg", { headers: { range: "bytes=0-9" } }), false);
    assert.equal(await through("icon.svg", { method: "HEAD" }), false);
    assert.equal(await through("icon.svg", { method: "POST" }), false);
    assert.equal(await through("../../nothing.js", {}), false);
    assert.equal(await through("models/model.int8.onnx", { method: "HEAD" }), false);
    await page.context().close();
  });

  for (const engine of ENGINES) {
    const missing = skipUnless(engine.command, `visits without a network in ${engine.name}: it is not installed`, { optional: true });
    test(`${engine.name} visits, without a network, after a deploy, and without a network again`, { skip: missing, timeout: ENGINE_TIMEOUT + 20_000 }, async () => {
      const said = [];
      let finish;
      const finished = new Promise((resolve) => (finish = resolve));
      // What happens to the host after each visit.
      const steps = [
        () => host.stop(),
        () => (host.deploy({ ...anotherBuild(), ...visiting(anotherBuild()["index.html"]) }), host.start()),
        () => host.stop(),
        finish,
      ];
      const collector = await listen(async (request, response) => {
        said.push(await json(request));
        await steps[said.length - 1]?.();
        send(response, 200, "text/plain", "", { "access-control-allow-origin": "*" });
      });
      const script = readFileSync(fileURLToPath(new URL("visiting-offline.js", import.meta.url)), "utf8");
      const visiting = (edit = (text) => text) => ({
        "visiting-offline.js": () => script.replace("collector of the test", collector.origin),
        "index.html": (text) =>
          edit(text).replace("connect-src 'self'", `connect-src 'self' ${collector.origin}`)
            .replace("</head>", '<script type="module" src="visiting-offline.js"></script></head>'),
      });
      host.deploy(visiting());
      await host.start();
      const browser = openEngine(engine, `${host.url}?load=int8`, ENGINE_TIMEOUT);
      try {
        await Promise.race([finished, browser.ended]);
      } finally {
        browser.stop();
        collector.close();
      }
      const line = "Available offline: this page and INT8.";
      const visits = [FIRST, FIRST, SECOND, SECOND].map((title, i) => ({ visit: i + 1, title, labelId: 1, line, isolated: true, errors: [] }));
      assert.deepEqual(said.slice(0, 4), visits);
    });
  }
});

describe("a page whose scripts do not start", () => {
  const shown = (page) => page.evaluate(() => [...document.querySelector("main").children].filter((part) => part.checkVisibility()).map(({ id }) => id));

  test("from a file, it says how to serve the folder", async () => {
    const page = await open({ url: pathToFileURL(join(DIST, "index.html")).href });
    assert.deepEqual(await shown(page), ["on-disk"]);
    assert.match(await page.locator("#on-disk").innerText(), /python3 -m http\.server/);
    await page.context().close();
  });

  test("without one of its modules, it says so", async () => {
    const page = await open({ url: `${site.url}blank.html` });
    await page.route("**/page/shared/dom.js", (route) => route.fulfill({ status: 404 }));
    await page.goto(site.url);
    await page.locator("#not-started").waitFor();
    assert.deepEqual(await shown(page), ["not-started"]);
    await page.context().close();
  });
});
