/**
 * The same API as `bert8`, without a Web Worker: models run on the thread that calls, which is busy during each computation. For
 * Node, Deno and Bun, for service workers, and for your own workers. {@link LoadOptions.worker} and {@link LoadOptions.threads} have
 * no effect, and `info.threads` is `{ count: 1, reason: "inline" }`.
 */
export * from "./bert8.js";
