// A copy of the built site in a folder of its own, served as any static host does: by `python3 -m http.server`, without headers.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DIST } from "../../tools/web/built.mjs";

const FOLDER = "some/folder";
const LIST_FILES = fileURLToPath(new URL("../../tools/web/list-files.mjs", import.meta.url));
const VERSION = fileURLToPath(new URL("../../www/site/page/service-worker/version.js", import.meta.url));
const PYTHON = "python3";

/** Whether this computer has Python. */
export const hasPython = spawnSync(PYTHON, ["--version"]).status === 0;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/**
 * Makes a host. Its `url` is the page's address. `start()` starts the server, `stop()` ends it, `silence()` makes it accept
 * connections and say nothing, `remove()` deletes everything.
 *
 * `deploy(edits, { listed })` puts the site in place of what is there. `edits` are functions from text to text, by file. A site that
 * is not `listed` has no list of its files, as after a build by hand. `edit(edits)` changes what is deployed, but not its list.
 */
export async function makeHost() {
  const root = mkdtempSync(join(tmpdir(), "bert8-host-"));
  const site = join(root, FOLDER);
  const port = await freePort();
  let server;
  const url = `http://127.0.0.1:${port}/${FOLDER}/`;

  function deploy(edits = {}, { listed = true } = {}) {
    rmSync(site, { recursive: true, force: true });
    mkdirSync(site, { recursive: true });
    const isModel = (path) => path.endsWith(".onnx");
    cpSync(DIST, site, { recursive: true, filter: (path) => !isModel(path) && !/\.(br|gz)$/.test(path) });
    for (const key of ["int8", "fp32"]) symlinkSync(join(DIST, `models/model.${key}.onnx`), join(site, `models/model.${key}.onnx`));
    cpSync(VERSION, join(site, "page/service-worker/version.js"));
    rmSync(join(site, "files.json"), { force: true });
    edit(edits);
    if (listed) list();
  }

  /** Changes files that are there. */
  function edit(edits) {
    for (const [file, change] of Object.entries(edits)) {
      const path = join(site, file);
      // A character for each byte, so that WebAssembly can be edited too.
      const text = existsSync(path) ? readFileSync(path, "latin1") : "";
      const changed = change(text);
      if (changed === text) throw new Error(`${file} stays as it is`);
      writeFileSync(path, changed, "latin1");
    }
  }

  function list() {
    const { status, stderr } = spawnSync(process.execPath, [LIST_FILES, site], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  }

  async function start() {
    await stop();
    server = spawn(PYTHON, ["-m", "http.server", String(port), "--bind", "127.0.0.1", "--directory", root], { stdio: "ignore" });
    for (;;) {
      if (await fetch(url).then(({ ok }) => ok, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function stop() {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  }

  const silence = () => server.kill("SIGSTOP");

  async function remove() {
    await stop();
    rmSync(root, { recursive: true, force: true });
  }

  return { url, deploy, edit, start, stop, silence, remove };
}

/** Edits that make another build, of which every file counts: its glue and its modules refuse those of the first. */
export function anotherBuild() {
  const [, build] = /BUILD = "(\w+)"/.exec(readFileSync(join(DIST, "pkg/build.js"), "utf8"));
  const other = [...build].reverse().join("").replace(/^./, (first) => (first === "f" ? "0" : "f"));
  const rename = (text) => text.replaceAll(build, other);
  return {
    "pkg/build.js": rename,
    "pkg/relaxed/bert8_bg.wasm": rename,
    "pkg/simd128/bert8_bg.wasm": rename,
    "index.html": (text) => text.replace("<title>", "<title>Second: "),
  };
}
