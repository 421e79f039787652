// The development server of Vite bundles packages before it serves them, but not files of this kind. That keeps the WebAssembly
// modules where wasm.js looks for them.
export * from "../inline.js";
