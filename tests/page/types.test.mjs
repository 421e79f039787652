// The package's JavaScript has the types that bert8.d.ts promises, and users of the package can rely on these types.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { DIST } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";

const PACKAGE = fileURLToPath(new URL("../../www/package", import.meta.url));
const USE = fileURLToPath(new URL("use-of-types.ts", import.meta.url));
const CONFIG = join(PACKAGE, "tsconfig.json");

// The run with additional arguments for Chromium would only repeat these tests.
const skip = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

test("every JavaScript file of the package is checked", () => {
  const { files } = ts.readConfigFile(CONFIG, ts.sys.readFile).config;
  const scripts = readdirSync(PACKAGE).filter((name) => name.endsWith(".js"));
  assert.deepEqual(files.toSorted(), scripts.toSorted());
  for (const name of scripts) assert.match(readFileSync(join(PACKAGE, name), "utf8"), /^\/\/ @ts-check\n/, name);
});

test("the package agrees with bert8.d.ts and the WebAssembly modules; its types reject incorrect use", { skip }, () => {
  const { config, error } = ts.readConfigFile(CONFIG, ts.sys.readFile);
  assert.equal(error, undefined);
  const { fileNames, options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, PACKAGE);
  const paths = { bert8: [join(PACKAGE, "bert8.d.ts")], "bert8/inline": [join(PACKAGE, "inline.d.ts")] };
  const program = ts.createProgram([...fileNames, USE], { ...options, paths, rootDirs: [PACKAGE, DIST] });
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => PACKAGE, getNewLine: () => "\n" };
  assert.equal(ts.formatDiagnostics([...errors, ...ts.getPreEmitDiagnostics(program)], host), "");
});

test("package.json leads only to files that exist", () => {
  const { exports, main, types, sideEffects } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  const targets = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(targets));
  const found = [...targets(exports), main, types, ...sideEffects];
  const written = found.filter((path) => !path.startsWith("./pkg/")); // the WebAssembly modules, which are built
  assert.deepEqual(written.filter((path) => !existsSync(join(PACKAGE, path))), []);
  assert.deepEqual(found.filter((path) => !existsSync(join(DIST, path)) && path.startsWith("./pkg/")), []);
});
