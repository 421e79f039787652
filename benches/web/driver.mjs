// Drives the benchmark's page in a browser that Playwright cannot: what measureHost asks of a browser, over HTTP.

import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINES, open } from "../../tools/web/engines.mjs";

/** Milliseconds for all that is measured in one browser. */
const PATIENCE = 3_600_000;

/** The browser of an engine, `server` being what its pages are loaded from. */
export function drive(name, server) {
  const engine = ENGINES.find((engine) => engine.name.toLowerCase() === name);
  if (!engine?.command) throw new Error(`there is no browser ${name} here; install it, or take chromium`);
  const pages = new Set();
  return {
    version: () => `${engine.name} ${versionOf(engine)}`,
    newContext: async () => ({ newPage: async () => newPage(engine, server, pages) }),
    close: async () => pages.forEach((page) => page.stop()),
  };
}

/** A page in a browser of its own; one at a time is driven. */
function newPage(engine, server, pages) {
  let browser;
  let settle; // of the call under way
  let asked; // resolves to the answer to the page's next question
  let ask = new Promise((resolve) => (asked = resolve));
  server.onPost = async (outcome) => {
    if (outcome) settle(outcome);
    const question = await ask;
    ask = new Promise((resolve) => (asked = resolve));
    return question;
  };
  const page = {
    // Whichever page it is to be, the one that can be driven is opened.
    goto: async () => {
      browser = open(engine, `${server.origin}/bench/driven.html`, PATIENCE);
      pages.add(browser);
    },
    async evaluate(work, argument) {
      const done = new Promise((resolve) => (settle = resolve));
      asked({ source: String(work), argument });
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
