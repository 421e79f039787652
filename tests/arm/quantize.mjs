// Quantizes the golden FP32 model with the build that quantizes. The argument is the build's folder; the output is the hash of the
// INT8 file.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { GOLDEN_JOB } from "../page/quantizing.mjs";
import { start } from "./build.mjs";

const { WasmQuantizer } = await start(process.argv[2]);
const quantizer = new WasmQuantizer();
for (const [name, path] of Object.entries(GOLDEN_JOB.files)) quantizer.addFile(name, readFileSync(path));
quantizer.addFile(GOLDEN_JOB.job.texts, Buffer.from(GOLDEN_JOB.texts));
const { int8 } = quantizer.quantize(JSON.stringify(GOLDEN_JOB.job), () => {});
console.log(JSON.stringify(`sha256-${createHash("sha256").update(int8).digest("base64")}`));
