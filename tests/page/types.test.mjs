// The package's JavaScript has the types that bert8.d.ts promises, and users of the package can rely on these types.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { DIST } from "../../tools/web/built.mjs";

const PACKAGE = fileURLToPath(new URL("../../www/package", import.meta.url));
const USE = fileURLToPath(new URL("use-of-types.ts", import.meta.url));
const CONFIG = join(PACKAGE, "tsconfig.json");

/** The errors of the TypeScript compiler in `files`, as text. */
function errorsIn(files, options) {
  const { config, error } = ts.readConfigFile(CONFIG, ts.sys.readFile);
  assert.equal(error, undefined);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, PACKAGE);
  const program = ts.createProgram(files ?? parsed.fileNames, { ...parsed.options, ...options });
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => PACKAGE, getNewLine: () => "\n" };
  return ts.formatDiagnostics([...parsed.errors, ...ts.getPreEmitDiagnostics(program)], host);
}

test("every JavaScript file of the package is checked", () => {
  const { files } = ts.readConfigFile(CONFIG, ts.sys.readFile).config;
  const scripts = readdirSync(PACKAGE).filter((name) => name.endsWith(".js"));
  assert.deepEqual(files.toSorted(), scripts.toSorted());
  for (const name of scripts) assert.match(readFileSync(join(PACKAGE, name), "utf8"), /^\/\/ @ts-check\n/, name);
});

test("the package agrees with bert8.d.ts and with the WebAssembly modules", () => {
  assert.equal(errorsIn(undefined, { rootDirs: [PACKAGE, DIST] }), "");
});

test("the types accept correct use and reject incorrect use", () => {
  assert.equal(errorsIn([USE], { paths: { bert8: [join(PACKAGE, "bert8.d.ts")] } }), "");
});

test("package.json lists every file", () => {
  const { exports, files, types } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  assert.deepEqual(Object.values(exports["."]).filter((path) => !existsSync(join(PACKAGE, path))), []);
  assert.equal(types, exports["."].types);
  const listed = files.filter((name) => name !== "pkg"); // the WebAssembly modules, which are built
  assert.deepEqual(listed.toSorted(), readdirSync(PACKAGE).filter((name) => !name.endsWith(".json")).toSorted());
});
