// Makes what `bert8 bundle` fills: node bundle-template.mjs SITE. Joins the scripts and styles that SITE/bundle/page.html needs into
// SITE/bundle/page.template, one HTML file that lacks only the files of a model and of WebAssembly, and removes the rest of the
// folder. esbuild must be in the PATH.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const STYLES = ["style.css", "form.css", "results.css", "bundle/bundle.css"];

const [site] = process.argv.slice(2);
if (!site) throw new Error("usage: node bundle-template.mjs SITE");

const read = (name) => readFileSync(join(site, name), "utf8");
const esbuild = (input, ...options) =>
  execFileSync("esbuild", ["--minify", "--charset=utf8", "--log-level=warning", ...options], { cwd: site, input, encoding: "utf8" });

// A classic script, because browsers load no modules from a disk. Nothing needs the script's own address: the page passes the files.
const script = esbuild(undefined, "bundle/main.js", "--bundle", "--format=iife", "--target=es2022", "--log-override:empty-import-meta=silent");
const style = esbuild(STYLES.map(read).join("\n"), "--loader=css");
if (/<\/(script|style)|<!--/i.test(script + style)) throw new Error("a script or style of the page would end its element");

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const values = { script, style, "script-hash": hash(script), "style-hash": hash(style) };
const page = read("bundle/page.html").replace(/\{([a-z-]+)\}/g, (_, name) => values[name]);
rmSync(join(site, "bundle"), { recursive: true });
mkdirSync(join(site, "bundle"));
writeFileSync(join(site, "bundle/page.template"), page);
