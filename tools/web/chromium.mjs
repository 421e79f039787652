// Starts Chromium. CHROMIUM names its command; BERT8_CHROMIUM_ARGS holds additional arguments, separated by spaces.

import { chromium } from "playwright-core";

/** The arguments of BERT8_CHROMIUM_ARGS. */
export const EXTRA_ARGS = (process.env.BERT8_CHROMIUM_ARGS ?? "").split(" ").filter(Boolean);

const ARGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  ...EXTRA_ARGS,
];

const COMMAND = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Starts Chromium; `more` are additional arguments. Resolves to Playwright's browser. */
export function launch(more = []) {
  return chromium.launch({ executablePath: COMMAND, args: [...ARGS, ...more] });
}

/** Starts Chromium with a new profile in the empty folder `profile` and an unpacked extension. Resolves to Playwright's context. */
export function launchWithExtension(profile, extension) {
  return chromium.launchPersistentContext(profile, {
    executablePath: COMMAND,
    headless: false, // ARGS has the headless mode that runs extensions
    args: [...ARGS, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
}
