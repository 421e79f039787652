// Compresses a site: node compress.mjs FOLDER. Writes FILE.gz and FILE.br beside every file of text or code and beside the models of
// models/models.json, for servers that send them, and prints what a first visit moves. Forms that are there and hold the file stay.

import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { extname, join, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, brotliDecompressSync, constants, gunzipSync, gzip } from "node:zlib";
import { readModels } from "./model-files.mjs";

const TYPES = [".css", ".html", ".js", ".json", ".wasm"];

const { BROTLI_PARAM_LGBLOCK, BROTLI_PARAM_LGWIN, BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;

// What compresses best in the time that a build may take.
const SETTINGS = {
  text: { level: 9, brotli: { [BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } },
  // Weights of 8 bits never repeat. What pays is to code them by how often each value occurs in parts of the file, which brotli does
  // from this quality on; the smallest window keeps it from searching for repetitions.
  int8: { level: 9, brotli: { [BROTLI_PARAM_QUALITY]: 10, [BROTLI_PARAM_LGWIN]: 10, [BROTLI_PARAM_LGBLOCK]: 20 } },
  // Higher levels take several times as long for a few percent.
  fp32: { level: 6, brotli: { [BROTLI_PARAM_QUALITY]: 5 } },
};

// A form that saves less is not worth its place on the host. Most FP32 weights are such; those that come from FP16 are not.
const LARGEST_SHARE = 0.9;

const FORMS = {
  gz: { decompress: gunzipSync, compress: (bytes, { level }) => promisify(gzip)(bytes, { level }) },
  br: {
    decompress: brotliDecompressSync,
    compress: (bytes, { brotli }) => promisify(brotliCompress)(bytes, { params: { ...brotli, [BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  },
};

const folder = process.argv[2];
if (!folder) throw new Error("usage: node compress.mjs FOLDER");
const sizes = new Map();

/** Writes the forms of a file. */
async function compress(name, settings) {
  const bytes = readFileSync(join(folder, name));
  const made = Object.entries(FORMS).map(async ([ending, form]) => [ending, await makeForm(join(folder, `${name}.${ending}`), form, bytes, settings)]);
  sizes.set(name, { raw: bytes.length, ...Object.fromEntries(await Promise.all(made)) });
}

/** Writes a form of a file, unless it is there or does not pay. Returns how many bytes are sent. */
async function makeForm(path, { decompress, compress }, bytes, settings) {
  const held = sizeIfValid(path, decompress, bytes);
  if (held !== undefined) return held;
  const compressed = await compress(bytes, settings);
  if (compressed.length > bytes.length * LARGEST_SHARE) {
    rmSync(path, { force: true });
    return bytes.length;
  }
  writeFileSync(path, compressed);
  return compressed.length;
}

/** Returns the size of a compressed file, if it is there and holds these bytes. */
function sizeIfValid(path, decompress, bytes) {
  if (!existsSync(path)) return undefined;
  try {
    const compressed = readFileSync(path);
    return decompress(compressed).equals(bytes) ? compressed.length : undefined;
  } catch {
    return undefined;
  }
}

const models = readModels(folder);
const listed = new Map(models.flatMap(({ int8, fp32 }) => [[int8, SETTINGS.int8], [fp32, SETTINGS.fp32]]).filter(([name]) => existsSync(join(folder, name))));
const names = readdirSync(folder, { recursive: true }).map((name) => name.split(sep).join("/")).filter((name) => TYPES.includes(extname(name)));
await Promise.all([...listed, ...names.map((name) => [name, SETTINGS.text])].map(([name, settings]) => compress(name, settings)));

// The page, its scripts and one WebAssembly build. Models come later, the scripts for the visitor's own data and for quantizing when
// they are used, and the page uses neither the API without a worker nor the self-test.
const LATER = /^(models|pkg.simd128|pkg.quantizer|inline|self-test|(crash|wasm|pool|pool-thread|threads)\.js|page.(data|quantize).(?!section)|page.(shared.element|timing.pace)\.)/;
const first = [...sizes].filter(([name]) => !LATER.test(name)).map(([, size]) => size);
say("a first visit moves", first);
const [{ int8, fp32, tokenizer }] = models;
say("its INT8 model, with the tokenizer,", [int8, tokenizer].flatMap((name) => sizes.get(name) ?? []));
say("its FP32 model", [fp32].flatMap((name) => sizes.get(name) ?? []));

function say(what, files) {
  const total = (form) => Math.ceil(files.reduce((sum, size) => sum + size[form], 0) / 1000);
  console.log(`${what} ${total("br")} kB with brotli, ${total("gz")} kB with gzip, ${total("raw")} kB uncompressed`);
}
