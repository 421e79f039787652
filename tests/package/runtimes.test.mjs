// The package in runtimes beside browsers and Node: Deno, Bun and workerd, which runs Cloudflare Workers.

import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { before, describe, test } from "node:test";
import { DIST } from "../../tools/web/built.mjs";
import { PAIRS } from "../page/native.mjs";
import { assertAnswers, project, run, skip as skipWithoutCli, startControlled } from "./harness.mjs";

const TIMEOUT = 180_000;
const MODEL = join(DIST, "models/model.int8.onnx");
const TOKENIZER = join(DIST, "models/tokenizer.json");

const skip = skipWithoutCli || ((process.platform !== "linux" || process.arch !== "x64") && "the runtimes are those for Linux on x86-64");

describe("runtimes", { skip, timeout: TIMEOUT }, () => {
  let folder;
  let modules;

  before(async () => {
    folder = await project("runtimes");
    modules = join(folder, "node_modules");
    const [model, tokenizer] = [MODEL, TOKENIZER].map((file) => pathToFileURL(file).href);
    writeFileSync(join(folder, "run.js"), `
      import { load } from "bert8/inline";
      const classifier = await load(${JSON.stringify({ model, tokenizer })});
      console.log(JSON.stringify({ answers: await classifier.classifyBatch(${JSON.stringify(PAIRS)}) }));`);
  });

  test("Deno", async () => {
    const deno = join(modules, "@deno/linux-x64-glibc/deno");
    assertAnswers(JSON.parse(await run(folder, deno, "run", "--quiet", "--allow-read", "--node-modules-dir=manual", "run.js")));
  });

  test("Bun", async () => assertAnswers(JSON.parse(await run(folder, join(modules, "@oven/bun-linux-x64/bin/bun"), "run.js"))));

  test("workerd, with a module", async () => {
    copyFileSync(MODEL, join(folder, "model.int8.onnx"));
    copyFileSync(TOKENIZER, join(folder, "tokenizer.json"));
    writeFileSync(join(folder, "pairs.json"), JSON.stringify(PAIRS));
    const external = ["*.wasm", "*.onnx", "tokenizer.json", "pairs.json"].map((name) => `--external:${name}`);
    await run(folder, join(modules, "@esbuild/linux-x64/bin/esbuild"), "workerd.js", "--bundle", "--format=esm", "--outfile=bundle.js", ...external);
    const workerd = join(modules, "@cloudflare/workerd-linux-64/bin/workerd");
    const address = await startControlled(folder, workerd, "serve", "--control-fd=3", "workerd.capnp");
    assertAnswers(await (await fetch(address)).json());
  });
});
