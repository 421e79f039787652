// Opens the built site in Chromium, uses it as a visitor does and reads what it shows. Environment:
//   BERT8_DIST           the site to test (default: dist/ in this checkout)
//   BERT8_CLI            the bert8 command
//   CHROMIUM             the browser (default: /usr/bin/chromium)
//   BERT8_CHROMIUM_ARGS  additional arguments for it, separated by spaces
//   BERT8_FOREIGN_INT8   an INT8 file that bert8 did not make
//   BERT8_SHOTS          a folder for screenshots
//   CI                   if set, tests whose requirements are missing fail instead of being skipped

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { DIST } from "../../tools/web/built.mjs";
import { launch } from "../../tools/web/chromium.mjs";
import { startSite } from "./site.mjs";

if (!existsSync(join(DIST, "index.html"))) {
  console.error(`${DIST} does not contain the built site: run ./build.sh first`);
  process.exit(1);
}

export { OTHER, SAME } from "./sentences.mjs";
/** Milliseconds for all tests of a suite. */
export const SUITE_TIMEOUT = 180_000;
const TIMEOUT = 60_000;

/** The test server. It ends after the last test. */
export const site = await startSite();
const browser = await launch();

after(async () => {
  await browser.close();
  site.close();
});

/**
 * Opens the site in a new browser context, without its service worker unless asked. `page.log` collects errors, requests to other
 * origins, and all requests and responses.
 */
export async function open({ query = "", url = site.url, prepare, serviceWorkers = "block", ...context } = {}) {
  return visit(await browser.newContext({ serviceWorkers, ...context }), { url: url + query, prepare });
}

/** Opens a page in a browser context, as `open` does. */
export async function visit(context, { url, prepare }) {
  const page = await context.newPage();
  const { origin } = new URL(url);
  page.setDefaultTimeout(TIMEOUT);
  page.log = { errors: [], foreign: [], requests: [], responses: [] };
  page.on("pageerror", (error) => page.log.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.log.errors.push(message.text()));
  page.context().on("request", (request) => {
    page.log.requests.push(request.url());
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(`${origin}/`)) page.log.foreign.push(request.url());
  });
  page.context().on("response", (response) => page.log.responses.push(response));
  if (prepare) await page.addInitScript(prepare);
  await page.goto(url);
  return page;
}

export const loaded = (page, ...keys) => page.waitForFunction((keys) => keys.every((key) => window.bert8?.[key]), keys);
export const card = (page, key) => page.locator(`[data-model=${key}]`);
export const part = (page, key, name) => card(page, key).locator(`[data-part=${name}]`);
export const said = (page) => page.locator("#announcement").textContent();
export const answered = (page) => page.locator("#results[aria-busy=false]").waitFor();

export const verdict = (page, key) => part(page, key, "verdict").textContent();
/** All text that is visible. */
export const visible = (page) => page.locator("body").innerText();

/** The names and percentages of a model's bars, top down. */
export const bars = (page, key) => card(page, key).locator(".probability:visible").allInnerTexts().then((texts) => texts.map((text) => text.replace(/\s+/g, " ")));

export async function compare(page, [a, b]) {
  await page.fill("#sentence1", a);
  await page.fill("#sentence2", b);
  await page.click("#compare");
  await answered(page);
}

/** Classifies one text, by keyboard. */
export async function classify(page, text) {
  await page.fill("#sentence1", text);
  await page.keyboard.press("Control+Enter");
  await answered(page);
}

/** The numbers in a text. Fails if the text shows the result of a failed computation. */
export function numbers(text) {
  assert.doesNotMatch(text, /NaN|Infinity|undefined|null/);
  return (text.match(/\d+(\.\d+)?/g) ?? []).map(Number);
}

export async function assertColumn(page, key) {
  assert.match(await part(page, key, "verdict").textContent(), new RegExp(`^${key.toUpperCase()}: Same meaning: (yes|no)$`));
  for (const name of ["infer", "tokenize", "tokens"]) {
    assert.equal(numbers(await part(page, key, name).textContent()).length, 1, `${key} ${name}`);
  }
  const shares = await part(page, key, "meter").evaluateAll((meters) => meters.map(({ value }) => value));
  assert.equal(shares.length, 2);
  assert.ok(Math.abs(shares[0] + shares[1] - 1) < 1e-6 && shares[1] >= 0, String(shares));
}

/** Waits for the alert of a model. Returns its texts. */
export async function alertOf(page, key) {
  await card(page, key).locator("[role=alert] .alert").waitFor();
  const text = (name) => part(page, key, name).textContent();
  return { title: await text("title"), reason: await text("reason") };
}

/** Whether the page has no scroll bar for what lies beside it, 360 pixels wide. */
export async function fitsNarrow(page) {
  await page.setViewportSize({ width: 360, height: 800 });
  return page.evaluate(() => document.documentElement.scrollWidth === document.documentElement.clientWidth);
}

/** Saves the page in both colour schemes, wide and narrow, if screenshots are wanted. */
export async function photograph(page, name) {
  if (!process.env.BERT8_SHOTS) return;
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(process.env.BERT8_SHOTS, `${name}-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
}
