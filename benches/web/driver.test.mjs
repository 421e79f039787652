import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DIST } from "../../tools/web/built.mjs";
import { ENGINES } from "../../tools/web/engines.mjs";
import { skipUnless } from "../../tools/web/skip.mjs";
import { drive } from "./driver.mjs";
import { startServer } from "./server.mjs";

test("an unknown browser is refused", () => {
  assert.throws(() => drive("mosaic", {}), /the browser mosaic is not installed/);
});

for (const { name, command } of ENGINES) {
  const skip =
    skipUnless(existsSync(DIST), `benchmark in ${name}: there is no built site, run ./build.sh`) ||
    // Optional in CI too: not every system has packages of these browsers.
    skipUnless(command, `benchmark in ${name}: it is not installed`, { optional: true });
  test(`a page in ${name} runs the calls`, { skip, timeout: 120_000 }, async () => {
    const server = await startServer({ bench: fileURLToPath(new URL(".", import.meta.url)), bert8: DIST });
    const browser = drive(name.toLowerCase(), server);
    try {
      assert.match(browser.version(), new RegExp(`^${name}\\S* \\d+\\.\\d`));
      for (const at of [1, 2]) {
        const page = await (await browser.newContext()).newPage();
        await page.goto(`${server.origin}/bench/index.html`);
        await page.waitForFunction(() => globalThis.bench);
        assert.equal(await page.evaluate(([a, b]) => Promise.resolve(a + b), [at, 2]), at + 2);
        await assert.rejects(page.evaluate(() => nothing.there), /nothing/);
        await page.context().close();
      }
    } finally {
      await browser.close();
      server.close();
    }
  });
}
