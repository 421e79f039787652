// What ./build.sh makes.

import { fileURLToPath } from "node:url";

/** The folder of the built site: BERT8_DIST, or dist/ in this checkout. */
export const DIST = process.env.BERT8_DIST ?? fileURLToPath(new URL("../../dist", import.meta.url));

/** The bert8 command: BERT8_CLI, which has no default. */
export const CLI = process.env.BERT8_CLI;
