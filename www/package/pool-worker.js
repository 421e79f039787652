// @ts-check
// A module worker that is one more thread of a memory.

import { bindings } from "./pkg/bert8.js";
import { becomeThread } from "./pool-thread.js";

// The layers need far less.
const STACK_BYTES = 512 << 10;

becomeThread(bindings, STACK_BYTES);
