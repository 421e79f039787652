// Serves files over HTTP with the headers of `bert8 serve`. Unlike that command, it neither compresses nor sends file dates.

import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

/** Content types by file name extension. */
export const TYPES = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".tsv": "text/tab-separated-values",
  ".wasm": "application/wasm",
};

/** The headers of every response, the same as in src/cli/serve.rs. */
export const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

/** Starts a server on a free port of this computer. Resolves to its `origin` and a function that ends it. */
export async function listen(handler) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Sends text. */
export function send(response, status, type, body, headers = HEADERS) {
  response.writeHead(status, { ...headers, "content-type": type });
  response.end(body);
}

/** Sends a file, or status 404 if it does not exist. */
export function sendFile(response, file, headers = HEADERS) {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) return send(response, 404, "text/plain", "not here", headers);
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { ...headers, "content-type": type, "content-length": stat.size });
  sendBytes(response, file).catch(() => response.destroy());
}

// Reads the whole file into one buffer, part by part: allocating a buffer for each part would slow down a measured browser.
async function sendBytes(response, file) {
  const closed = new Promise((resolve) => response.once("close", resolve));
  const handle = await open(file);
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    while (!response.destroyed) {
      const { bytesRead } = await handle.read(buffer);
      if (bytesRead === 0) return response.end();
      await Promise.race([closed, new Promise((sent) => response.write(buffer.subarray(0, bytesRead), sent))]);
    }
  } finally {
    await handle.close();
  }
}
