// The development server of Vite bundles packages before it serves them, but not files of this kind. That keeps worker.js and the
// WebAssembly modules where bert8.js looks for them.
export * from "../bert8.js";
