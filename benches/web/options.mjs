// The command line of run.mjs.

import { parseArgs } from "node:util";

/**
 * Returns `{ quick, publish, browser, threads, litert }` from the arguments of the command, on a machine with so many processors.
 * Throws an error that says what is wrong with them.
 */
export function readOptions(args, processors) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      publish: { type: "boolean", default: false },
      browser: { type: "string", default: "chromium" },
      threads: { type: "string", default: "1" },
      litert: { type: "string" },
    },
  });
  const threads = Number(values.threads);
  if (!Number.isInteger(threads) || threads < 1 || threads > processors) {
    throw new Error(`--threads ${values.threads}: give a whole number from 1 to ${processors}, the processors of this machine`);
  }
  return { ...values, threads };
}
