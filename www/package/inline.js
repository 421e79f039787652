// @ts-check
// The entry point without a worker: models run on the thread that calls. bert8.d.ts has its types and documentation.

/** @import * as api from "./bert8.js" */

import { connectInline } from "./inline-client.js";
import { loadWith } from "./load.js";

export { cache } from "./cache.js";

/** @type {typeof api.load} */
export const load = (/** @type {unknown} */ source, /** @type {unknown} */ options = undefined) => loadWith(connectInline, source, options);
