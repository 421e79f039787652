// Starts a WebAssembly build in Node.

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Returns the JavaScript interface of the build in a folder, ready for use. */
export async function start(folder) {
  // Node 20 takes a .js file without a package.json for CommonJS. A data URL says that this one is a module.
  const script = readFileSync(join(folder, "bert8.js"), "base64");
  const wasm = await import(`data:text/javascript;base64,${script}`);
  wasm.initSync({ module: readFileSync(join(folder, "bert8_bg.wasm")) });
  return wasm;
}
