// Puts the package's JavaScript and WebAssembly into a folder.
//
//   node tools/package/assemble.mjs [--quantizer] BUILT FOLDER
//
// BUILT is the folder of the builds, build/pkg. In FOLDER/pkg, one script serves both modules, and each module says what build it
// belongs to. With --quantizer, for the site, the module that quantizes has a folder of its own there, with its script. The scripts of
// the package become one file for each entry point, because a browser takes some milliseconds for each file. esbuild, which must be in
// the PATH, joins them and leaves `new URL(…, import.meta.url)` to the bundlers of the users.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { toFactory } from "./factory.mjs";
import { stamp } from "./stamp.mjs";

const SOURCE = fileURLToPath(new URL("../../www/package", import.meta.url));

// The model of the self-test.
const GOLDEN = fileURLToPath(new URL("../../tests/golden", import.meta.url));

// backend.js, crash.js and wasm.js are for the site.
const ENTRIES = ["bert8.js", "inline.js", "self-test.js", "worker.js", "pool-worker.js", "backend.js", "crash.js", "wasm.js"];

// What quantizing on the site needs besides.
const QUANTIZER_ENTRIES = ["end-worker.js", "pool.js", "pool-thread.js", "threads.js"];

/** The names of the builds in the API, by their folders. */
const BACKENDS = { relaxed: "relaxed-simd", simd128: "simd128" };

const args = process.argv.slice(2);
const [built, folder] = args.filter((arg) => arg !== "--quantizer");
if (!folder) throw new Error("usage: node assemble.mjs [--quantizer] BUILT FOLDER");

/** The folder of a module that uses SIMD128 and has a script of its own. */
const QUANTIZER = "quantizer";
const withQuantizer = args.includes("--quantizer");

const scriptOf = (variant) => toFactory(readFileSync(join(built, variant, "bert8.js"), "utf8"));
const moduleOf = (variant) => readFileSync(join(built, variant, "bert8_bg.wasm"));
const scripts = Object.keys(BACKENDS).map(scriptOf);
if (new Set(scripts).size !== 1) throw new Error("the two WebAssembly builds have different scripts: build them from the same sources");
const [script] = scripts;
const modules = Object.keys(BACKENDS).map((variant) => [variant, moduleOf(variant)]);

const hash = createHash("sha256").update(script);
for (const [, bytes] of modules) hash.update(bytes);
if (withQuantizer) hash.update(scriptOf(QUANTIZER)).update(moduleOf(QUANTIZER));
const build = hash.digest("hex").slice(0, 12);

mkdirSync(join(folder, "pkg"), { recursive: true });
const options = ["--bundle", "--format=esm", "--external:./pkg/*", "--charset=utf8", "--sourcemap", "--log-level=warning"];
execFileSync("esbuild", [...ENTRIES, ...(withQuantizer ? QUANTIZER_ENTRIES : []), ...options, `--outdir=${resolve(folder)}`], { cwd: SOURCE, stdio: "inherit" });
for (const name of readdirSync(SOURCE)) {
  if (name.endsWith(".d.ts")) cpSync(join(SOURCE, name), join(folder, name));
}
writeFileSync(join(folder, "pkg/bert8.js"), script);
/** Writes a module with its build's name. Returns its size. */
const writeModule = (variant, bytes, backend) => {
  const stamped = stamp(bytes, "bert8", `${backend} ${build}`);
  mkdirSync(join(folder, "pkg", variant), { recursive: true });
  writeFileSync(join(folder, "pkg", variant, "bert8_bg.wasm"), stamped);
  return stamped.length;
};
const sizes = Object.fromEntries(modules.map(([variant, bytes]) => [BACKENDS[variant], writeModule(variant, bytes, BACKENDS[variant])]));
if (withQuantizer) {
  writeModule(QUANTIZER, moduleOf(QUANTIZER), BACKENDS.simd128);
  writeFileSync(join(folder, "pkg", QUANTIZER, "bert8.js"), scriptOf(QUANTIZER));
}
writeFileSync(
  join(folder, "pkg/build.js"),
  `// Identifies the build that the scripts and the WebAssembly modules belong to.
export const BUILD = "${build}";

/** The sizes of the modules in bytes, by backend. A server that compresses them does not tell. */
export const BYTES = ${JSON.stringify(sizes)};
`,
);
mkdirSync(join(folder, "self-test"), { recursive: true });
for (const name of ["model.int8.onnx", "tokenizer.json"]) cpSync(join(GOLDEN, name), join(folder, "self-test", name));
