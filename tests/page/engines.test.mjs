// The built site in the engines of other browsers: the API answers as the native command does, and the page compares. Each is
// tested where it is installed. FIREFOX and MINIBROWSER name the commands of Firefox and of WebKit's browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { EXTRA_ARGS } from "./browser.mjs";
import { PAIRS, SKIP, assertAgrees, expectedAnswers } from "./native.mjs";
import { startSite } from "./site.mjs";

/** Milliseconds for a browser to start and answer. */
const PATIENCE = 200_000;
const TIMEOUT = PATIENCE + 20_000;

const first = (...paths) => paths.find((path) => path && existsSync(path));

function miniBrowser() {
  const libraries = "/usr/lib";
  const folders = existsSync(libraries) ? readdirSync(libraries).map((folder) => join(libraries, folder, "webkit2gtk-4.1")) : [];
  return first(process.env.MINIBROWSER, ...folders.map((folder) => join(folder, "MiniBrowser")));
}

const ENGINES = [
  {
    name: "Firefox",
    command: first(process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"),
    args: (command, folder) => [command, "--headless", "--no-remote", "--profile", folder],
  },
  {
    name: "WebKit",
    command: first("/usr/bin/xvfb-run") && first("/usr/bin/dbus-run-session") && miniBrowser(),
    // It has no headless mode, and its sandbox is not for root.
    args: (command) => ["xvfb-run", "--auto-servernum", "dbus-run-session", "--", command],
    env: { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", WEBKIT_DISABLE_COMPOSITING_MODE: "1" },
  },
];

/** What engine.html says in a browser. */
async function ask({ command, args, env }) {
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const site = await startSite({ said: tell });
  const folder = mkdtempSync(join(tmpdir(), "bert8-engine-"));
  const url = `${site.url}engine.html#${encodeURIComponent(JSON.stringify(PAIRS))}`;
  const [program, ...rest] = [...args(command, folder), url];
  // A process group of its own, which ends as a whole.
  const browser = spawn(program, rest, { stdio: "ignore", detached: true, env: { ...process.env, ...env } });
  const ended = once(browser, "exit", { signal: AbortSignal.timeout(PATIENCE) }).then(([code]) => {
    throw new Error(`${command} ended with ${code}`);
  });
  ended.catch(() => {});
  try {
    return await Promise.race([told, ended]);
  } finally {
    if (browser.pid && browser.exitCode === null) process.kill(-browser.pid, "SIGKILL");
    site.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const skip = SKIP || (EXTRA_ARGS.length > 0 && "the arguments are for Chromium");

describe("the site in other engines", { skip, timeout: 2 * TIMEOUT }, () => {
  let expected;

  before(() => {
    expected = expectedAnswers();
  });

  for (const engine of ENGINES) {
    test(engine.name, { skip: !engine.command && "not installed", timeout: TIMEOUT }, async () => {
      const said = await ask(engine);
      assert.equal(said.error, undefined);
      assert.deepEqual(said.api.map(({ key, info }) => `${key} ${info.precision}`), Array(2).fill(["int8 int8", "fp32 fp32"]).flat());
      for (const { key, answers } of said.api) assertAgrees(key, answers, expected);
      const kernels = said.api.filter(({ key }) => key === "int8").map(({ info }) => info.kernel);
      assert.match(kernels[0], /^(relaxed-dot-[us]8|relaxed-pairs|simd128-i16)$/);
      assert.equal(kernels[1], "simd128-i16");
      assert.match(said.page.summary, /INT8 is [\d.]+× as fast/);
      assert.deepEqual(said.page.errors, []);
    });
  }
});
