// Lists the files of a site: node list-files.mjs FOLDER. Writes the sizes and hashes of models into FOLDER/models/models.json. For the
// service worker, writes FOLDER/files.json, which has the hash of each file that a page needs without a network, and the version
// that they make up into FOLDER/page/service-worker/version.js.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { describeModels, filesOf, hashOf, readModels } from "./model-files.mjs";

/** The same as in www/site/service-worker.js. */
const TYPES = [".css", ".html", ".js", ".json", ".svg", ".tsv", ".txt", ".wasm"];

const LIST = "files.json";
const VERSION = "page/service-worker/version.js";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: node list-files.mjs FOLDER");

describeModels(folder);

// The page asks for each WebAssembly module with the build it belongs to.
const { BUILD } = await import(pathToFileURL(join(folder, "pkg/build.js")).href);

/** What is not kept: the service worker itself and its list; and the files of models, which load() keeps. */
const others = new Set([LIST, "service-worker.js", ...readModels(folder).flatMap(filesOf)]);

/** What the page does not use: the API without a worker and the self-test. */
const UNUSED = /^(inline|self-test)/;

/** The address of a file as the page asks for it. */
function addressOf(name) {
  if (name === "index.html") return "./";
  return extname(name) === ".wasm" ? `${name}?build=${BUILD}` : name;
}

const hash = (name) => hashOf(readFileSync(join(folder, name)));

const names = readdirSync(folder, { recursive: true }).map((name) => name.split(sep).join("/")).sort()
  .filter((name) => TYPES.includes(extname(name)) && !others.has(name) && !UNUSED.test(name));
const hashes = names.filter((name) => name !== VERSION).map((name) => [addressOf(name), hash(name)]);
const version = createHash("sha256").update(JSON.stringify(hashes)).digest("hex").slice(0, 16);

const source = readFileSync(join(folder, VERSION), "utf8");
const stamped = source.replace(/(export const VERSION = )[^;]*/, `$1"${version}"`);
if (!stamped.includes(version)) throw new Error(`${join(folder, VERSION)} has no VERSION`);
writeFileSync(join(folder, VERSION), stamped);
const files = Object.fromEntries([...hashes, [VERSION, hash(VERSION)]]);
writeFileSync(join(folder, LIST), `${JSON.stringify({ version, files }, null, 1)}\n`);
