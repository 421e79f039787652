// The development server of Vite bundles packages before it serves them, but not files of this kind. That keeps worker.js and the
// files of the self-test where self-test.js looks for them.
export * from "../self-test.js";
