// The package's entry points where no bundler is involved: Node, a script tag, another origin, TypeScript.

import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, test } from "node:test";
import { DIST } from "../../tools/web/built.mjs";
import { PAIRS } from "../page/native.mjs";
import { CORS, HERE, ISOLATED, PACKAGE, assertAnswers, install, newFolder, run, sendPage, serveFolder, skip, visit } from "./harness.mjs";

const TIMEOUT = 180_000;
const MODEL = join(DIST, "models/model.int8.onnx");
const TOKENIZER = join(DIST, "models/tokenizer.json");

/** A new folder with the package installed and the given files. */
async function folderWith(files) {
  const folder = newFolder();
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  await install(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

// app.js without the import, whose address depends on the test.
const APP = readFileSync(join(HERE, "app.js"), "utf8").replace(/^import .*$/m, "");

describe("entry points", { skip, timeout: 4 * TIMEOUT }, () => {
  test("bert8/inline in Node: from bytes, from files, with a module", async () => {
    const folder = await folderWith({
      "run.js": `
        import { readFile } from "node:fs/promises";
        import { fileURLToPath } from "node:url";
        import { load } from "bert8/inline";
        const [model, tokenizer] = ${JSON.stringify([MODEL, TOKENIZER].map((file) => pathToFileURL(file)))};
        const bytes = { model: await readFile(new URL(model)), tokenizer: await readFile(new URL(tokenizer)) };
        const module = await readFile(fileURLToPath(import.meta.resolve("bert8/simd128.wasm")));
        const outcomes = [];
        for (const options of [bytes, { model, tokenizer }, { ...bytes, module }, { ...bytes, module: await WebAssembly.compile(module) }]) {
          const classifier = await load(options);
          outcomes.push({ info: classifier.info, answers: await classifier.classifyBatch(${JSON.stringify(PAIRS)}) });
        }
        console.log(JSON.stringify(outcomes));`,
    });
    const outcomes = JSON.parse(await run(folder, "node", "run.js"));
    assert.equal(outcomes.length, 4);
    for (const outcome of outcomes) {
      assertAnswers(outcome);
      assert.deepEqual(outcome.info.threads, { count: 1, reason: "inline" });
    }
    assert.equal(outcomes[2].info.backend, "simd128");
  });

  test("THIRD-PARTY.md names the crates in the modules, with their licences", () => {
    const text = readFileSync(join(PACKAGE, "THIRD-PARTY.md"), "utf8");
    for (const crate of ["tract-core", "tokenizers", "wasm-bindgen"]) assert.match(text, new RegExp(`^\\| ${crate} \\| [\\d.]+ \\| .*(MIT|Apache)`, "m"));
    assert.doesNotMatch(text, /^\| (clap|hyper|wasm-bindgen-test) \|/m, "neither the command's crates nor those of tests");
    assert.match(text, /Permission is hereby granted, free of charge/);
  });

  test("bert8/self-test passes in Node", async () => {
    const script = `import { selfTest } from "bert8/self-test"; console.log(JSON.stringify(await selfTest()));`;
    const folder = await folderWith({ "run.js": script });
    const { ok, kernels } = JSON.parse(await run(folder, "node", "run.js"));
    assert.ok(ok, JSON.stringify(kernels));
    assert.ok(kernels.some(({ backend, kernel }) => backend === "simd128" && kernel === "simd128-i16"));
  });

  test("bert8 in Node can be imported, and says what to import instead", async () => {
    const folder = await folderWith({
      "run.js": `
        import { load } from "bert8";
        const attempt = (options) => load(options).then(() => "loaded", ({ message }) => message);
        console.log(JSON.stringify([await attempt({ model: new Uint8Array(8), tokenizer: new Uint8Array(8) }), await attempt({ model: "m.onnx" })]));`,
    });
    const [noWorker, relative] = JSON.parse(await run(folder, "node", "run.js"));
    assert.match(noWorker, /no|Web Worker.*import \{ load \} from "bert8\/inline" instead$/);
    assert.equal(relative, "load(): model is not a valid URL: m.onnx; without a page, it must be absolute, such as new URL(path, import.meta.url)");
  });

  test("a script tag", async () => {
    const folder = await folderWith({});
    const page = (path, response) => path === "/" && sendPage(response, `import { load } from "./node_modules/bert8/bert8.js"; ${APP}`, ISOLATED);
    const outcome = await visit(await serveFolder(folder, ISOLATED, page), { threads: 2 });
    assertAnswers(outcome);
    assert.deepEqual(outcome.info.threads, { count: 2, reason: "asked for" });
    assert.ok(outcome.requests.some((url) => url.endsWith("/pool-worker.js")));
  });

  test("a script tag without a worker", async () => {
    const folder = await folderWith({});
    const page = (path, response) => path === "/" && sendPage(response, `import { load } from "./node_modules/bert8/inline.js"; ${APP}`);
    const outcome = await visit(await serveFolder(folder, {}, page));
    assertAnswers(outcome);
    assert.deepEqual(outcome.info.threads, { count: 1, reason: "inline" });
    assert.deepEqual(outcome.requests.filter((url) => url.includes("worker")), []);
  });

  test("another origin, as from a CDN, also with threads", async () => {
    const folder = await folderWith({});
    const cdn = await serveFolder(join(folder, "node_modules/bert8"), { ...CORS, ...ISOLATED });
    for (const [headers, threads] of [[{}, 1], [ISOLATED, 2]]) {
      const page = (path, response) => path === "/" && sendPage(response, `import { load } from "${cdn}bert8.js"; ${APP}`, headers);
      const outcome = await visit(await serveFolder(folder, headers, page), { threads: 2 });
      assertAnswers(outcome);
      assert.equal(outcome.info.threads.count, threads);
      assert.equal(outcome.requests.some((url) => url === `${cdn}pool-worker.js`), threads === 2);
    }
  });

  test("tsc --strict checks the types, in every kind of module resolution", async () => {
    const folder = await folderWith({});
    cpSync(join(HERE, "../page/use-of-types.ts"), join(folder, "use.mts"));
    const tsc = join(HERE, "../page/node_modules/typescript/bin/tsc");
    for (const [module, resolution, ...more] of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
      await run(folder, "node", tsc, "use.mts", "--strict", "--noEmit", "--target", "es2022", "--lib", "es2022,dom,dom.iterable",
        "--module", module, "--moduleResolution", resolution, ...more);
    }
  });
});
