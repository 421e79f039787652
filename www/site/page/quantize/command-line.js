// @ts-check
// Writes the command line of `bert8 quantize`.

/** @import { Options } from "./choices.js" */

import { USUAL_PRESET } from "./choices.js";

/**
 * Returns the command line that writes the files that the page makes, quoted for a POSIX shell.
 * @param {{ model: string, texts: string, output: string, report: string }} files their paths
 * @param {Options} options
 */
export function commandLine({ model, texts, output, report }, options) {
  const { preset, skipBadRows, forceCalibration, reads, answers, requantize, heads, logits, subsetSize, maxLength, ignore, sensitivity } = options;
  const task = [reads, answers].filter(Boolean).join(",");
  const args = [path(model || "."), "--calibration", path(texts), "-o", path(output), "--report", path(report)];
  if (preset !== USUAL_PRESET) args.push("--preset", preset);
  if (task) args.push("--task", task);
  if (requantize) args.push("--requantize");
  if (heads !== null) args.push("--heads", String(heads));
  if (logits !== null) args.push(`--logits=${logits}`);
  if (subsetSize !== null) args.push("--subset-size", String(subsetSize));
  if (maxLength !== null) args.push("--max-length", String(maxLength));
  if (skipBadRows) args.push("--skip-bad-rows");
  if (forceCalibration) args.push("--force-calibration");
  for (const pattern of ignore) args.push(`--ignore=${pattern}`);
  if (sensitivity) args.push("--sensitivity");
  return ["bert8", "quantize", ...args].map(quoted).join(" ");
}

/**
 * Returns a path that is not taken for an option.
 * @param {string} path
 */
const path = (path) => (path.startsWith("-") ? `./${path}` : path);

/**
 * Quotes an argument for a POSIX shell, if it needs quotes.
 * @param {string} argument
 */
const quoted = (argument) => (/^[\w./:=,+@%-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`);
