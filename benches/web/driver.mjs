// Drives the benchmark's page over HTTP, in browsers that Playwright does not drive. Has the part of Playwright's interface
// that measureHost uses.

import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINES, open } from "../../tools/web/engines.mjs";

/** The time limit for everything in one browser, in milliseconds. */
const TIMEOUT = 3_600_000;

/** Returns the browser of the engine with this name, in lower case. Its pages are loaded from `server`. */
export function drive(name, server) {
  const engine = ENGINES.find((engine) => engine.name.toLowerCase() === name);
  if (!engine?.command) throw new Error(`the browser ${name} is not installed; install it or use chromium`);
  const pages = new Set();
  return {
    version: () => `${engine.name} ${versionOf(engine)}`,
    newContext: async () => ({ newPage: async () => newPage(engine, server, pages) }),
    close: async () => pages.forEach((page) => page.stop()),
  };
}

/** Returns a page in its own browser. Only one page at a time can be driven. */
function newPage(engine, server, pages) {
  let browser;
  let settle; // resolves the pending call with its outcome
  let sendCall; // answers the page's next request
  let nextCall = new Promise((resolve) => (sendCall = resolve));
  server.onPost = async (outcome) => {
    if (outcome) settle(outcome);
    const call = await nextCall;
    nextCall = new Promise((resolve) => (sendCall = resolve));
    return call;
  };
  const page = {
    // Ignores the URL and opens the page that runs the calls.
    goto: async () => {
      browser = open(engine, `${server.origin}/bench/driven.html`, TIMEOUT);
      pages.add(browser);
    },
    async evaluate(callback, argument) {
      const done = new Promise((resolve) => (settle = resolve));
      sendCall({ source: String(callback), argument });
      const { value, error } = await Promise.race([done, browser.ended]);
      if (error !== undefined) throw new Error(error);
      return value;
    },
    waitForFunction: (condition) => page.evaluate(condition),
    waitForTimeout: sleep,
    context: () => ({
      close: async () => {
        browser.stop();
        pages.delete(browser);
      },
    }),
  };
  return page;
}

function versionOf({ command, args }) {
  const [program, ...rest] = [...args(command, tmpdir()), "--version"];
  return execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).match(/\d[\w.]*/)?.[0] ?? "";
}
