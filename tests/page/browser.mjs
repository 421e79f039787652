// The Chromium that tests and benchmark drive: CHROMIUM names it, BERT8_CHROMIUM_ARGS adds to its arguments.

import { chromium } from "playwright-core";

/** The added arguments. */
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

/** Starts the browser, with `more` arguments. */
export function launch(more = []) {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...ARGS, ...more] });
}
