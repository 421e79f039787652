/**
 * Turns a script of wasm-bindgen, a module with one instance, into a module whose function `bindings` returns the module's exports
 * for a new instance each time. Its default export is named `init`.
 */
export function toFactory(script) {
  const names = [];
  const body = script
    .replace(/^\/\*.*\*\/\n/gm, "")
    .replace(/^ *\/\/ Cast intrinsic .*\n/gm, "") // holds indices that differ between builds
    .replace(/^export (class|function|async function) (\w+)/gm, (_, kind, name) => {
      names.push(name);
      return `${kind} ${name}`;
    })
    .replace(/^export \{ initSync, __wbg_init as default \};\n/m, "")
    .replace(/new URL\('bert8_bg\.wasm', import\.meta\.url\)/, "undefined");
  const left = /^\s*(import|export)\b.*$|.*import\.meta.*/m.exec(body);
  if (left) throw new Error(`wasm-bindgen's script has a line that this program does not know: ${left[0].trim()}`);
  if (names.length === 0 || !/^async function __wbg_init\(/m.test(body)) throw new Error("this is not a script of wasm-bindgen for the web");
  return `// The JavaScript interface of the WebAssembly builds, by wasm-bindgen.
/* eslint-disable */

/** Returns the interface of a build that is not yet started: call \`init\` or \`initSync\` first. */
export function bindings() {
${body.trim()}

return { ${names.join(", ")}, initSync, init: __wbg_init };
}
`;
}
