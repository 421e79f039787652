// What the page's tests share: the built site in a real Chromium, and what a visitor does and sees there. Environment:
//   BERT8_DIST           the site to test (default: dist/ of this checkout)
//   CHROMIUM             the browser (default: /usr/bin/chromium)
//   BERT8_CHROMIUM_ARGS  more arguments for it, separated by spaces
//   BERT8_FOREIGN_INT8   an INT8 file that bert8 did not make
//   BERT8_SHOTS          a folder for screenshots

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { launch } from "./browser.mjs";
import { DIST, startSite } from "./site.mjs";

if (!existsSync(join(DIST, "index.html"))) {
  console.error(`${DIST} holds no built site: run ./build.sh first`);
  process.exit(1);
}

export { OTHER, SAME } from "./sentences.mjs";
/** Milliseconds for the tests of a suite. */
export const SUITE_TIMEOUT = 180_000;
const TIMEOUT = 60_000;

/** The site, until after the last test. */
export const site = await startSite();
const browser = await launch();

after(async () => {
  await browser.close();
  site.close();
});

/** Opens the site in a fresh browser context; `page.log` collects what must not happen. */
export async function open({ query = "", url = site.url, prepare, ...context } = {}) {
  const page = await (await browser.newContext(context)).newPage();
  page.setDefaultTimeout(TIMEOUT);
  page.log = { errors: [], foreign: [], requests: [] };
  page.on("pageerror", (error) => page.log.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.log.errors.push(message.text()));
  page.context().on("request", (request) => {
    page.log.requests.push(request.url());
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site.origin)) page.log.foreign.push(request.url());
  });
  if (prepare) await page.addInitScript(prepare);
  await page.goto(url + query);
  return page;
}

export const loaded = (page, ...keys) => page.waitForFunction((keys) => keys.every((key) => window.bert8?.[key]), keys);
export const card = (page, key) => page.locator(`[data-model=${key}]`);
export const part = (page, key, name) => card(page, key).locator(`[data-part=${name}]`);
export const said = (page) => page.locator("#announcement").textContent();
export const answered = (page) => page.locator("#results[aria-busy=false]").waitFor();

export async function compare(page, [a, b]) {
  await page.fill("#sentence1", a);
  await page.fill("#sentence2", b);
  await page.click("#compare");
  await answered(page);
}

/** Numbers in a text; fails where a computation went wrong and shows. */
export function numbers(text) {
  assert.doesNotMatch(text, /NaN|Infinity|undefined|null/);
  return (text.match(/\d+(\.\d+)?/g) ?? []).map(Number);
}

export async function assertColumn(page, key) {
  assert.match(await part(page, key, "verdict").textContent(), new RegExp(`^${key.toUpperCase()}: Same meaning: (yes|no)$`));
  for (const name of ["probability", "infer", "tokenize", "tokens"]) {
    assert.equal(numbers(await part(page, key, name).textContent()).length, 1, `${key} ${name}`);
  }
  const share = await part(page, key, "meter").evaluate((meter) => meter.value);
  assert.ok(share >= 0 && share <= 1);
}

export const alertOf = async (page, key) => {
  await card(page, key).locator("[role=alert] .alert").waitFor();
  return card(page, key).getByRole("alert").textContent();
};
