// Compresses a site: node compress.mjs FOLDER. Writes FILE.gz and FILE.br beside every file of text or code, for servers that
// send them, and prints what a first visit moves.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

// Not models: a browser does not know the size of a compressed file, so its progress would have no total.
const TYPES = [".css", ".html", ".js", ".json", ".wasm"];

const folder = process.argv[2];
const sizes = new Map();

async function compress(name) {
  const bytes = readFileSync(join(folder, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const [gz, br] = await Promise.all([promisify(gzip)(bytes, { level: 9 }), promisify(brotliCompress)(bytes, { params })]);
  writeFileSync(join(folder, `${name}.gz`), gz);
  writeFileSync(join(folder, `${name}.br`), br);
  sizes.set(name, { raw: bytes.length, gz: gz.length, br: br.length });
}

const names = readdirSync(folder, { recursive: true }).filter((name) => TYPES.includes(extname(name)));
await Promise.all(names.map(compress));

// The page, its scripts and one WebAssembly build. Models come later, the scripts for the visitor's own data and for quantizing when
// they are used, and the page uses neither the API without a worker nor the self-test.
const LATER = /^(models|pkg.simd128|pkg.quantizer|inline|self-test|(crash|wasm|pool|pool-thread|threads)\.js|page.(data|quantize).(?!section)|page.(shared.element|timing.pace)\.)/;
const first = [...sizes].filter(([name]) => !LATER.test(name)).map(([, size]) => size);
const total = (form) => Math.ceil(first.reduce((sum, size) => sum + size[form], 0) / 1000);
console.log(`a first visit moves ${total("br")} kB with brotli, ${total("gz")} kB with gzip, ${total("raw")} kB uncompressed, models apart`);
