// @ts-check
// A module worker that is one more thread of the worker that quantizes.

import { bindings } from "../../pkg/quantizer/bert8.js";
import { becomeThread } from "../../pool-thread.js";

/** As much as the first thread has. */
const STACK_BYTES = 1 << 20;

becomeThread(bindings, STACK_BYTES);
