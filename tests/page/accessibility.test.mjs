// axe-core finds nothing to object to, in any state of the page, wide and narrow, light, dark and in forced colours.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";
import { GOLDEN, give, text, textsOf } from "./quantizing.mjs";
import { SAME, SUITE_TIMEOUT, alertOf, answered, card, compare, loaded, open, site } from "./visit.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const SCHEMES = [{ colorScheme: "light" }, { colorScheme: "dark" }, { forcedColors: "active" }];
const WIDTHS = [1280, 390, 320]; // the last one is a phone's width at 200 %, or a desktop's at 400 %

/** Returns what axe-core objects to: the rule, the elements and why. */
async function violations(page) {
  const { violations, passes } = await page.evaluate(() =>
    window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }));
  assert.ok(passes.length > 20, "the rules have run");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} (${failureSummary})`).join("; ")}`);
}

/** The page in one of its states. `reach` brings it there. */
const STATES = {
  "an empty form": { url: `${site.origin}/tags/`, reach: (page) => loaded(page, "int8", "fp32") },
  loading: {
    query: "?int8=/broken/held.onnx&fp32=models/model.fp32.onnx&tokenizer=models/tokenizer.json",
    async reach(page) {
      await page.click("#compare");
      await page.locator("#load").waitFor();
    },
  },
  "an error": {
    query: "?int8=/broken/404.onnx&fp32=models/model.fp32.onnx&tokenizer=models/tokenizer.json&load=int8&backend=turbo",
    reach: (page) => alertOf(page, "int8"),
  },
  "INT8 alone": {
    url: `${site.origin}/rte/`,
    query: "?load=int8",
    async reach(page) {
      await loaded(page, "int8");
      await compare(page, SAME);
    },
  },
  "results of two labels, with an example and its key": {
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await page.selectOption("#example", { index: 1 });
      await page.click("#compare");
      await answered(page);
    },
  },
  "results of many labels": {
    url: `${site.origin}/many/`,
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await page.fill("#sentence1", "Where?");
      await page.click("#compare");
      await answered(page);
      await card(page, "int8").locator("summary").click();
    },
  },
  "a score, and stale answers": {
    url: `${site.origin}/score/`,
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await compare(page, SAME);
      await page.fill("#sentence1", "Changed.");
    },
  },
  "models that are no pair, the visitor's own": {
    url: `${site.origin}/rte/`,
    query: "?int8=models/a.int8.onnx&fp32=models/other.onnx",
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await compare(page, SAME);
      for (const summary of await page.locator("#own summary").all()) await summary.click();
      await page.getByRole("button", { name: "Load", exact: true }).click();
      await page.locator("#own-problem").waitFor();
    },
  },
  "the visitor's data": {
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await page.setInputFiles("#data-file", tableOf("1\tA dog.\tA hound.\n0\tA cat.\tA car.\n"));
      await page.locator("#data .evaluated").waitFor();
      await page.locator("#data .rows button").first().waitFor();
      for (const summary of await page.locator("#data summary").all()) await summary.click();
    },
  },
  "data with a row that cannot be used": {
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await page.setInputFiles("#data-file", tableOf("1\tonly two cells\n0\tA cat.\tA car.\n".repeat(600)));
      await page.locator("#data button.primary").waitFor();
    },
  },
  "files to quantize, one of which is missing": {
    url: `${site.origin}/rte/`,
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await page.setInputFiles("#quantize-files-input", GOLDEN.model);
      await page.locator("#quantize-view .note").waitFor();
    },
  },
  "options for quantizing, one of which is wrong": {
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await giveGolden(page);
      await page.getByText("More options").click();
      await page.getByLabel("Parts to keep in FP32").fill("nothing.*");
      await page.locator("#quantize-view button.primary:enabled").click();
      await page.locator("#quantize-view [role=alert]").waitFor();
    },
  },
  "a quantized model, with the damage of its parts": {
    async reach(page) {
      await loaded(page, "int8", "fp32");
      await giveGolden(page);
      await page.getByText("More options").click();
      await page.getByLabel("Measure the damage of every part").check();
      await page.locator("#quantize-view button.primary:enabled").click();
      await page.locator("#quantize-view .evaluated").waitFor();
    },
  },
};

const giveGolden = (page) => give(page, GOLDEN.model, GOLDEN.tokenizer, text("pairs.tsv", textsOf(40)));

/** A file of pairs with these rows. */
const tableOf = (rows) => ({ name: "pairs.tsv", mimeType: "text/plain", buffer: Buffer.from(`label\tsentence1\tsentence2\n${rows}`) });

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

describe("accessibility", { skip, timeout: 3 * SUITE_TIMEOUT }, () => {
  for (const [name, { reach, ...context }] of Object.entries(STATES)) {
    test(name, async () => {
      const page = await open({ ...context, reducedMotion: "reduce" });
      await reach(page);
      await page.evaluate(AXE);
      for (const scheme of SCHEMES) {
        await page.emulateMedia({ colorScheme: "light", forcedColors: "none", ...scheme });
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 });
          const where = `${name}, ${Object.values(scheme)}, ${width} px`;
          assert.deepEqual(await violations(page), [], where);
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${where}: too wide`);
        }
      }
      await page.context().close();
    });
  }
});
