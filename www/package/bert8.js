// @ts-check
// The entry point: models run in a Web Worker. bert8.d.ts has its types and documentation.

/** @import * as api from "./bert8.js" */

import { loadWith } from "./load.js";
import { connectWorker } from "./worker-client.js";

export { cache } from "./cache.js";

/** @type {typeof api.load} */
export const load = (/** @type {unknown} */ source, /** @type {unknown} */ options = undefined) => loadWith(connectWorker, source, options);
