// Installs the packed package in new folders, as its users do, and opens what they build.

import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DIST } from "../../tools/web/built.mjs";
import { launch } from "../../tools/web/chromium.mjs";
import { TYPES, listen, send, sendFile } from "../../tools/web/server.mjs";
import { PAIRS, assertAgrees, expectedAnswers, skipWithoutCli } from "../page/native.mjs";

export const HERE = fileURLToPath(new URL(".", import.meta.url));
export const ROOT = join(HERE, "../..");
const NPM = join(ROOT, "build/npm");

/** The package, which `./build.sh package` makes. */
export const TARBALL = join(NPM, existsSync(NPM) ? (readdirSync(NPM).find((name) => name.endsWith(".tgz")) ?? "") : "");

/** The package's files. */
export const PACKAGE = join(NPM, "bert8");

if (!TARBALL.endsWith(".tgz")) {
  console.error(`${NPM} does not contain the package: run ./build.sh package first`);
  process.exit(1);
}

/** Milliseconds for a tool to install, to build or to start. */
const TOOL_TIMEOUT = 180_000;
/** Milliseconds for a page to load a model and to answer. */
const PAGE_TIMEOUT = 60_000;

/** The `skip` option of all tests here, which compare with the native command. */
export const skip = skipWithoutCli();

const cleanups = [];
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});
/** Runs `cleanup` after the last test of this file. */
export const afterTests = (cleanup) => void cleanups.push(cleanup);

const ENV = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", CI: "1" };

/** Runs a program to its end. Resolves to what it writes. */
export async function run(folder, program, ...args) {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: folder, env: ENV, timeout: TOOL_TIMEOUT, maxBuffer: 1 << 26 });
    return stdout + stderr;
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")} in ${folder}: ${error.message}\n${error.stdout}\n${error.stderr}`);
  }
}

/** Makes a new folder that is removed after the last test. */
export function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), "bert8-package-"));
  afterTests(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Installs the package in a folder. */
export const install = (folder) =>
  run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--loglevel=error", TARBALL);

/** Copies a project of ./projects into a new folder and installs its packages and ours. Resolves to the folder. */
export async function project(name) {
  const folder = newFolder();
  cpSync(join(HERE, "projects", name), folder, { recursive: true });
  cpSync(join(HERE, "app.js"), join(folder, "app.js"));
  await run(folder, "npm", "ci", "--ignore-scripts", "--loglevel=error");
  await install(folder);
  return folder;
}

/** Starts a program that serves until the last test has ended. Resolves to the address that it prints. */
export const startServer = (folder, program, ...args) =>
  start(folder, program, args, /http:\/\/(?:localhost|127\.0\.0\.1):\d+/).then(([address]) => `${address}/`);

/** The same for workerd, which writes its port to file descriptor 3. */
export const startControlled = (folder, program, ...args) =>
  start(folder, program, args, /"port":(\d+)/).then(([, port]) => `http://127.0.0.1:${port}/`);

/** Starts a program and resolves to the match of `wanted` in what it writes to its file descriptors 1 to 3. */
async function start(folder, program, args, wanted) {
  const child = spawn(program, args, { cwd: folder, env: ENV, detached: true, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  afterTests(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
    return ended;
  });
  let output = "";
  return new Promise((resolve, reject) => {
    const fail = (what) => reject(new Error(`${program} ${args.join(" ")} ${what}: ${output}`));
    const timer = setTimeout(fail, TOOL_TIMEOUT, "printed no address");
    for (const stream of child.stdio.slice(1)) {
      stream.on("data", (chunk) => {
        output += String(chunk).replace(/\x1b\[[0-9;]*m/g, "");
        const found = wanted.exec(output);
        if (found) resolve(found);
      });
    }
    child.once("exit", () => fail("has ended"));
    ended.then(() => clearTimeout(timer));
  });
}

export const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
export const CORS = { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" };

/**
 * Serves a folder, each file with `headers`. `change` may answer a request itself: it gets the path and the response, and returns
 * whether it has. Resolves to the address.
 */
export async function serveFolder(folder, headers = {}, change = () => false) {
  const { origin, close } = await listen((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    if (change(path, response)) return;
    sendFile(response, join(folder, path.endsWith("/") ? `${path}index.html` : path), headers);
  });
  afterTests(close);
  return `${origin}/`;
}

/** Answers a request with a page that runs a module script. */
export function sendPage(response, script, headers = {}) {
  send(response, 200, TYPES[".html"], `<!doctype html><title>test</title><script type="module">${script}</script>`, headers);
  return true;
}

const models = skip ? undefined : await serveFolder(join(DIST, "models"), CORS);
/** Where the demo model is, for every origin. */
export const MODELS = models?.slice(0, -1);

let browser;
/** The browser of this file's tests. */
export async function theBrowser() {
  if (!browser) {
    browser = await launch();
    afterTests(() => browser.close());
  }
  return browser;
}

/** Opens a page that runs app.js. Resolves to its outcome, the addresses that it has requested and its console's errors. */
export async function visit(address, options = {}) {
  const url = new URL(address);
  url.search = new URLSearchParams({ models: MODELS, pairs: JSON.stringify(PAIRS), options: JSON.stringify(options) });
  const context = await (await theBrowser()).newContext();
  const page = await context.newPage();
  const requests = [];
  const errors = [];
  context.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(url.href);
  try {
    await page.waitForFunction(() => window.outcome, undefined, { timeout: PAGE_TIMEOUT });
    return { ...(await page.evaluate(() => window.outcome)), requests, errors };
  } catch (error) {
    throw new Error(`${address}: ${error.message}; ${errors.join("; ")}`);
  } finally {
    await context.close();
  }
}

export const expected = skip ? undefined : expectedAnswers();

/** Fails unless the outcome of app.js has the native command's answers. */
export function assertAnswers({ answers, error, errors = [] }) {
  if (!answers) throw new Error([error, ...errors].join("; "));
  assertAgrees("int8", answers, expected);
}
