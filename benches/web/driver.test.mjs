import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ENGINES } from "../../tests/page/engines.mjs";
import { DIST } from "../../tests/page/site.mjs";
import { drive } from "./driver.mjs";
import { startServer } from "./server.mjs";

test("an unknown browser is refused", () => {
  assert.throws(() => drive("mosaic", {}), /no browser mosaic/);
});

for (const { name, command } of ENGINES) {
  const skip = (!command && "not installed") || (!existsSync(DIST) && "there is no built site");
  test(`a page in ${name} does what it is asked`, { skip, timeout: 120_000 }, async () => {
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
