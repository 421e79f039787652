// The examples answer as the native command does.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { DIST } from "../../tools/web/built.mjs";
import { launchWithExtension } from "../../tools/web/chromium.mjs";
import { PAIRS, TOLERANCE } from "../page/native.mjs";
import { PACKAGE, ROOT, expected, install, newFolder, run, serveFolder, skip, startServer, theBrowser } from "./harness.mjs";

const TIMEOUT = 180_000;
const PAGE_TIMEOUT = 60_000;

const [PAIR] = PAIRS; // the examples' own
const [ANSWER] = expected?.int8 ?? [];

/** Copies an example into a new folder, and the model or the package to where the example expects it. */
function copyOf(name, { models, bert8 }) {
  const folder = newFolder();
  cpSync(join(ROOT, "examples", name), folder, { recursive: true });
  if (models) cpSync(join(DIST, "models"), join(folder, models), { recursive: true });
  if (bert8) cpSync(PACKAGE, join(folder, bert8), { recursive: true });
  return folder;
}

/** Fails unless a text has the label and, within the logits' tolerance, the percentage of the native answer. */
function assertShown(text) {
  const [, label, percentage] = /^(\w+), ([\d.]+) %\s*$/.exec(text) ?? assert.fail(`not an answer: ${text}`);
  assert.equal(label, ANSWER.label);
  // A probability changes by at most half of what the difference between two logits changes by; the text is rounded.
  const difference = Math.abs(percentage / 100 - ANSWER.probabilities[ANSWER.labelId]);
  assert.ok(difference <= TOLERANCE.int8 + 0.0005, `${text}, but the native probabilities are ${ANSWER.probabilities}`);
}

async function outputOf(address) {
  const page = await (await theBrowser()).newPage();
  try {
    await page.goto(address);
    await page.locator("button").click();
    await page.waitForFunction(() => document.querySelector("output")?.textContent.endsWith("%"), undefined, { timeout: PAGE_TIMEOUT });
    return await page.locator("output").textContent();
  } finally {
    await page.close();
  }
}

describe("examples", { skip, timeout: 4 * TIMEOUT }, () => {
  test("script-tag", async () => {
    assertShown(await outputOf(await serveFolder(copyOf("script-tag", { models: "models", bert8: "bert8" }))));
  });

  test("vite-react: build and development server", { timeout: TIMEOUT }, async () => {
    const folder = copyOf("vite-react", { models: "public/models" });
    await run(folder, "npm", "ci", "--ignore-scripts", "--loglevel=error");
    await install(folder);
    await run(folder, "npm", "run", "build");
    assertShown(await outputOf(await serveFolder(join(folder, "dist"))));
    assertShown(await outputOf(await startServer(folder, "npx", "vite", "--port", "0")));
  });

  test("node", { timeout: TIMEOUT }, async () => {
    const folder = copyOf("node", {});
    await install(folder);
    const args = ["classify.js", join(DIST, "models/model.int8.onnx"), join(DIST, "models/tokenizer.json"), ...PAIR];
    assertShown(await run(folder, "node", ...args));
  });

  test("extension: page, offscreen document and service worker", { timeout: TIMEOUT }, async () => {
    const folder = copyOf("extension", { models: "models", bert8: "bert8" });
    const context = await launchWithExtension(newFolder(), folder);
    try {
      const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
      const page = await context.newPage();
      await page.goto(new URL("page.html", worker.url()).href);
      for (const id of ["page", "offscreen", "service-worker"]) {
        await page.waitForFunction((id) => document.getElementById(id).value, id, { timeout: PAGE_TIMEOUT });
        const [label, ...logits] = (await page.locator(`#${id}`).textContent()).split(" ");
        assert.equal(label, ANSWER.label, id);
        logits.forEach((logit, at) => assert.ok(Math.abs(logit - ANSWER.logits[at]) <= TOLERANCE.int8, `${id}: ${logits}`));
        assert.equal(logits.length, ANSWER.logits.length);
      }
    } finally {
      await context.close();
    }
  });
});
