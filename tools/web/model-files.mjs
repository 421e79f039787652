// Writes into a site's list of models, models/models.json, what the page must know of their files before it downloads them: sizes,
// because nothing tells the size of a file that a server compresses, and hashes.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LIST = "models/models.json";

/** The hash of bytes, in the notation of Subresource Integrity. */
export const hashOf = (bytes) => `sha256-${createHash("sha256").update(bytes).digest("base64")}`;

/** The URLs of the files of a listed model, relative to the site. */
export const filesOf = ({ int8, fp32, tokenizer }) => [int8, fp32, tokenizer];

/** Returns the models that a site lists. */
export const readModels = (folder) => JSON.parse(readFileSync(join(folder, LIST), "utf8"));

/** Writes the sizes and hashes of the files that a site has; models whose files are elsewhere are left without. */
export function describeModels(folder) {
  const models = readModels(folder).map((model) => ({ ...model, files: describe(folder, filesOf(model)) }));
  writeFileSync(join(folder, LIST), `${JSON.stringify(models, null, 2)}\n`);
}

function describe(folder, urls) {
  const there = urls.filter((url) => existsSync(join(folder, url)));
  return Object.fromEntries(there.map((url) => {
    const bytes = readFileSync(join(folder, url));
    return [url, { size: bytes.length, integrity: hashOf(bytes) }];
  }));
}
