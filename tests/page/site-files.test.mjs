// What the tools of ./build.sh write beside a site's files: sizes and hashes of models, and compressed forms.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const source = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const site = mkdtempSync(join(tmpdir(), "bert8-site-"));
after(() => rmSync(site, { recursive: true }));

function write(name, content) {
  mkdirSync(dirname(join(site, name)), { recursive: true });
  writeFileSync(join(site, name), content);
}

const read = (name) => readFileSync(join(site, name));
const run = (tool) => execFileSync(process.execPath, [source(`tools/web/${tool}.mjs`), site], { encoding: "utf8" });
const listed = (bytes) => ({ size: bytes.length, integrity: `sha256-${createHash("sha256").update(bytes).digest("base64")}` });
const repeating = (text) => Buffer.from(text.repeat(5000));

write("index.html", "<!doctype html>");
write("pkg/build.js", 'export const BUILD = "abc";');
mkdirSync(join(site, "page/service-worker"), { recursive: true });
cpSync(source("www/site/page/service-worker/version.js"), join(site, "page/service-worker/version.js"));
const files = { int8: "models/a.int8.onnx", fp32: "models/a.fp32.onnx", tokenizer: "models/tokenizer.json" };
const contents = { int8: repeating("int8"), fp32: randomBytes(20_000), tokenizer: repeating("{}") };
for (const key of Object.keys(files)) write(files[key], contents[key]);
const elsewhere = { id: "b", int8: "https://example.com/b.onnx", fp32: "models/none.onnx", tokenizer: "models/tokenizer.json" };
write("models/models.json", JSON.stringify([{ id: "a", ...files }, elsewhere]));

test("the list of models has the sizes and hashes of the files that are there, and is written again after a change", () => {
  const describe = () => JSON.parse(read("models/models.json"));
  run("list-files");
  const [a, b] = describe();
  assert.deepEqual(a, { id: "a", ...files, files: Object.fromEntries(Object.keys(files).map((key) => [files[key], listed(contents[key])])) });
  assert.deepEqual(b, { ...elsewhere, files: { [files.tokenizer]: listed(contents.tokenizer) } });
  const { version, files: kept } = JSON.parse(read("files.json"));
  assert.equal(kept["models/models.json"], listed(read("models/models.json")).integrity, "the list of files has the new list of models");
  write(files.int8, repeating("replaced"));
  run("list-files");
  assert.deepEqual(describe()[0].files[files.int8], listed(repeating("replaced")));
  assert.notEqual(JSON.parse(read("files.json")).version, version, "visitors get the new list");
  write(files.int8, contents.int8);
  run("list-files");
});

test("compressed forms hold their files, stay while they do, and are only where they pay", () => {
  const says = run("compress");
  assert.match(says, /^a first visit moves 1 kB with brotli, .*\nits INT8 model, with the tokenizer, 1 kB with brotli, 1 kB with gzip, 30 kB uncompressed\n/);
  const holds = (name) => {
    assert.deepEqual(gunzipSync(read(`${name}.gz`)), read(name), name);
    assert.deepEqual(brotliDecompressSync(read(`${name}.br`)), read(name), name);
  };
  holds(files.int8);
  holds(files.tokenizer);
  const forms = (name) => ["br", "gz"].filter((ending) => existsSync(join(site, `${name}.${ending}`)));
  assert.deepEqual(forms(files.fp32), [], "random bytes do not shrink");

  const made = new Date("2001-01-01");
  for (const name of [files.int8, files.tokenizer]) for (const ending of ["br", "gz"]) utimesSync(join(site, `${name}.${ending}`), made, made);
  write(files.int8, repeating("replaced"));
  utimesSync(join(site, files.int8), new Date("1999-01-01"), new Date("1999-01-01"));
  run("compress");
  holds(files.int8);
  assert.equal(statSync(join(site, `${files.tokenizer}.br`)).mtimeMs, made.getTime(), "what holds the file is not made again");

  write(files.int8, randomBytes(20_000));
  run("compress");
  assert.deepEqual(forms(files.int8), [], "no form of an earlier file stays");
});
