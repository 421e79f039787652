// The package in projects of common bundlers, with their default settings.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ISOLATED, assertAnswers, project, run, serveFolder, skip, startServer, visit } from "./harness.mjs";

const TIMEOUT = 300_000;

/** What was built answers with one thread, and with two if the server isolates the page. */
async function assertBuilt(folder, options) {
  const plain = await visit(await serveFolder(folder), options);
  assertAnswers(plain);
  assert.deepEqual(plain.info.threads, { count: 1, reason: "not cross-origin isolated" });
  const isolated = await visit(await serveFolder(folder, ISOLATED), { ...options, threads: 2 });
  assertAnswers(isolated);
  assert.deepEqual(isolated.info.threads, { count: 2, reason: "asked for" });
  // Besides what one thread needs, there is the script of the second.
  const names = ({ requests }) => requests.map((url) => new URL(url).pathname);
  const more = names(isolated).filter((name) => !names(plain).includes(name));
  assert.ok(more.length > 0, `no script of a second thread: ${names(isolated).join(" ")}`);
}

describe("bundlers", { skip, timeout: 5 * TIMEOUT }, () => {
  for (const name of ["vite7", "vite8"]) {
    test(`${name}: build and development server`, { timeout: TIMEOUT }, async () => {
      const folder = await project(name);
      await run(folder, "npx", "vite", "build");
      await assertBuilt(join(folder, "dist"));
      assertAnswers(await visit(await startServer(folder, "npx", "vite", "--port", "0", "--strictPort", "false")));
    });
  }

  test("webpack 5", { timeout: TIMEOUT }, async () => {
    const folder = await project("webpack");
    await run(folder, "npx", "webpack", "./app.js", "--mode", "production");
    await assertBuilt(join(folder, "dist"));
  });

  test("Next.js: build and development server", { timeout: TIMEOUT }, async () => {
    const folder = await project("next");
    await run(folder, "npx", "next", "build");
    assertAnswers(await visit(await startServer(folder, "npx", "next", "start", "--port", "0")));
    assertAnswers(await visit(await startServer(folder, "npx", "next", "dev", "--port", "0")));
  });

  test("esbuild, with the package's folder beside the page", { timeout: TIMEOUT }, async () => {
    const folder = await project("esbuild");
    await run(folder, "npx", "esbuild", "app.js", "--bundle", "--format=esm", "--outdir=public");
    const lost = await visit(await serveFolder(join(folder, "public")));
    assert.match(lost.error, /^Error: the bert8 worker did not start: the server answered 404 Not Found for http.*\/worker\.js; .* as `worker`$/);
    cpSync(join(folder, "node_modules/bert8"), join(folder, "public/bert8"), { recursive: true });
    await assertBuilt(join(folder, "public"), { worker: "bert8/worker.js" });
  });
});
