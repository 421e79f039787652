// The page's modules have consistent types, and import only what ARCHITECTURE.md allows.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { DIST } from "../../tools/web/built.mjs";
import { EXTRA_ARGS } from "../../tools/web/chromium.mjs";

const SITE = fileURLToPath(new URL("../../www/site", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../www/package", import.meta.url));

// The run with additional arguments for Chromium would only repeat this test.
const skip = EXTRA_ARGS.length > 0 && "BERT8_CHROMIUM_ARGS is set";

test("the modules of the page have no type errors", { skip }, () => {
  const scripts = readdirSync(SITE, { recursive: true }).filter((name) => name.endsWith(".js")).map((name) => join(SITE, name));
  assert.ok(scripts.length >= 5);
  for (const script of scripts) assert.match(readFileSync(script, "utf8"), /^\/\/ @ts-check\n/, script);
  const program = ts.createProgram(scripts, {
    allowJs: true, noEmit: true, strict: true, target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ["lib.es2024.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"], types: [],
    rootDirs: [SITE, PACKAGE, DIST], // one folder in dist/
  });
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => SITE, getNewLine: () => "\n" };
  assert.equal(ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host), "");
});

/** The folders of the page's modules in ARCHITECTURE.md, the lowest first. Those of one row do not import each other. */
const FOLDERS = [["shared"], ["timing"], ["models"], ["answers"], ["question"], ["own-model", "data", "quantize"], ["service-worker"]];

test("a module of the page imports from its own folder and from those below it", { skip }, () => {
  const page = join(SITE, "page");
  const scripts = readdirSync(page, { recursive: true }).filter((name) => name.includes("/") && name.endsWith(".js"));
  const rankOf = (folder) => FOLDERS.findIndex((row) => row.includes(folder));
  for (const script of scripts) {
    const [folder] = script.split("/");
    assert.notEqual(rankOf(folder), -1, `ARCHITECTURE.md does not name ${folder}`);
    for (const [, specifier] of readFileSync(join(page, script), "utf8").matchAll(/^import .*?"(\..*?)";$/gm)) {
      const [other, rest] = relative(page, join(page, dirname(script), specifier)).split("/");
      if (other === ".." || other === folder) continue; // the package, or the folder itself
      assert.ok(rest && rankOf(other) < rankOf(folder), `${script} imports ${specifier}`);
    }
  }
});
