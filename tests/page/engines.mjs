// The browsers of other engines than Chromium's, where they are installed. FIREFOX and MINIBROWSER name the commands of Firefox and
// of WebKit's browser.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const first = (...paths) => paths.find((path) => path && existsSync(path));

function miniBrowser() {
  const libraries = "/usr/lib";
  const folders = existsSync(libraries) ? readdirSync(libraries).map((folder) => join(libraries, folder, "webkit2gtk-4.1")) : [];
  return first(process.env.MINIBROWSER, ...folders.map((folder) => join(folder, "MiniBrowser")));
}

/** Each with the `command` of its browser, if there is one. */
export const ENGINES = [
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

/** Opens `url` in a fresh browser. Gives `ended`, which rejects when it ends or `patience` milliseconds are over, and `stop()`. */
export function open({ command, args, env }, url, patience) {
  const folder = mkdtempSync(join(tmpdir(), "bert8-engine-"));
  const [program, ...rest] = [...args(command, folder), url];
  // A process group of its own, which ends as a whole.
  const browser = spawn(program, rest, { stdio: "ignore", detached: true, env: { ...process.env, ...env } });
  const ended = once(browser, "exit", { signal: AbortSignal.timeout(patience) }).then(([code]) => {
    throw new Error(`${command} ended with ${code}`);
  });
  ended.catch(() => {});
  const stop = () => {
    if (browser.pid && browser.exitCode === null) process.kill(-browser.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  return { ended, stop };
}
