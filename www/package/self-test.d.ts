import type { Backend, LoadSettings } from "./bert8.js";

/** The result of {@link selfTest}. */
export interface SelfTest {
  /** Whether every kernel has passed. */
  ok: boolean;

  /** Every kernel that this browser and this processor offer. */
  kernels: KernelTest[];
}

/** What one kernel computes. */
export interface KernelTest {
  /** The WebAssembly build. */
  backend: Backend;

  /** The kernel's name; see {@link LoadSettings.kernel}. */
  kernel: string;

  /** The hash of the logits of 500 pairs of texts, 16 hexadecimal digits. `null` if the kernel has not even passed a first check. */
  hash: string | null;

  /** Whether these are the logits that every browser and processor must compute. */
  ok: boolean;
}

/**
 * Checks that this browser, on this processor, computes the same INT8 logits as every other: classifies 500 pairs of texts with a
 * small model, on every kernel. `bert8 self-test` on the command line has the same result.
 *
 * ```js
 * import { selfTest } from "bert8/self-test";
 *
 * const { ok, kernels } = await selfTest();
 * ```
 *
 * Runs in a Web Worker; on the thread that calls where there are none, as in Node. Takes about a second for each kernel. The options
 * are those of `load`.
 */
export function selfTest(options?: Pick<LoadSettings, "backend" | "worker" | "module">): Promise<SelfTest>;
