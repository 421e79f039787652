// Finds the files that LiteRT.js runs. Its inputs have fixed shapes, so there is a file for each length in tokens.

import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const TYPES = ["fp32", "int8"];
const HELP = "docs/benchmarks.md says how to make these files";

const nameOf = (model, type, tokens) => `${model}.${type}.${tokens}.tflite`;

/**
 * Looks in `folder` for the files of `lengths`, the measured lengths in tokens by model. Returns `files`, their URLs by model, type
 * (`fp32` or `int8`) and length, without types that have none, and `missing`, the names of the files that are not there.
 *
 * Throws if none is there, or if the folder has a .tflite file of a name that no run uses.
 */
export function tfliteFiles(folder, lengths) {
  const path = resolve(folder);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`--litert ${path}: this is not a folder; ${HELP}`);
  const there = readdirSync(path).filter((file) => file.endsWith(".tflite"));
  for (const file of there) checkName(join(path, file), Object.keys(lengths));

  const files = {};
  const missing = [];
  for (const [model, list] of Object.entries(lengths)) {
    for (const type of TYPES) {
      for (const tokens of list) {
        const name = nameOf(model, type, tokens);
        if (there.includes(name)) ((files[model] ??= {})[type] ??= {})[tokens] = `/tflite/${name}`;
        else missing.push(name);
      }
    }
  }
  if (Object.keys(files).length === 0) throw new Error(`--litert ${path}: none of the files of this run is there: ${missing.join(", ")}; ${HELP}`);
  return { files, missing };
}

/** Throws unless a file is named MODEL.TYPE.TOKENS.tflite. */
function checkName(path, models) {
  const known = new RegExp(`[/\\\\](${models.join("|")})\\.(${TYPES.join("|")})\\.[1-9]\\d*\\.tflite$`);
  if (known.test(path)) return;
  throw new Error(
    `${path}: LiteRT.js's files are named MODEL.TYPE.TOKENS.tflite, such as ${nameOf(models[0], TYPES[1], 53)}, with the model ` +
      `${models.join(" or ")} and the type ${TYPES.join(" or ")}; rename or remove it`,
  );
}
