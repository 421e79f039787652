// Starts Firefox and WebKit, if they are installed. FIREFOX names the command of Firefox; MINIBROWSER that of WebKitGTK's browser.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const firstExisting = (...paths) => paths.find((path) => path && existsSync(path));

function findMiniBrowser() {
  const libraries = "/usr/lib";
  const folders = existsSync(libraries) ? readdirSync(libraries).map((folder) => join(libraries, folder, "webkit2gtk-4.1")) : [];
  return firstExisting(process.env.MINIBROWSER, ...folders.map((folder) => join(folder, "MiniBrowser")));
}

/** The engines. `command` is the path of the browser, or undefined if it is not installed. */
export const ENGINES = [
  {
    name: "Firefox",
    command: firstExisting(process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"),
    args: (command, profile) => [command, "--headless", "--no-remote", "--profile", profile],
  },
  {
    name: "WebKit",
    command: firstExisting("/usr/bin/xvfb-run") && firstExisting("/usr/bin/dbus-run-session") && findMiniBrowser(),
    // MiniBrowser has no headless mode, and its sandbox does not work for root.
    args: (command) => ["xvfb-run", "--auto-servernum", "dbus-run-session", "--", command],
    env: { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", WEBKIT_DISABLE_COMPOSITING_MODE: "1" },
  },
];

/**
 * Opens `url` in a new browser with an empty profile. Returns `stop()`, which ends the browser, and the promise `ended`, which
 * rejects if the browser ends by itself or `timeout` milliseconds have passed.
 */
export function open({ command, args, env }, url, timeout) {
  const profile = mkdtempSync(join(tmpdir(), "bert8-engine-"));
  const [program, ...rest] = [...args(command, profile), url];
  // The browser gets its own process group, so that `stop` can end all its processes.
  const browser = spawn(program, rest, { stdio: "ignore", detached: true, env: { ...process.env, ...env } });
  const ended = once(browser, "exit", { signal: AbortSignal.timeout(timeout) }).then(([code]) => {
    throw new Error(`${command} ended with exit code ${code}`);
  });
  ended.catch(() => {});
  const stop = () => {
    if (browser.pid && browser.exitCode === null) process.kill(-browser.pid, "SIGKILL");
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { ended, stop };
}
