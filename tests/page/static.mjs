// Files over HTTP, with the headers that `bert8 serve` sends.

import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { extname } from "node:path";

/** Content types by extension. */
export const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".tsv": "text/tab-separated-values; charset=utf-8",
  ".wasm": "application/wasm",
};

/** What every answer carries. */
export const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cache-Control": "no-store",
};

export function send(response, status, type, body) {
  response.writeHead(status, { ...HEADERS, "Content-Type": type });
  response.end(body);
}

export function sendFile(response, file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) return send(response, 404, "text/plain", "not here");
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { ...HEADERS, "Content-Type": type, "Content-Length": stat.size });
  sendBytes(response, file).catch(() => response.destroy());
}

// One buffer for the whole file: a new one for every piece keeps a processor busy that a browser is measured on.
async function sendBytes(response, file) {
  const gone = new Promise((resolve) => response.once("close", resolve));
  const handle = await open(file);
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    while (!response.destroyed) {
      const { bytesRead } = await handle.read(buffer);
      if (bytesRead === 0) return response.end();
      await Promise.race([gone, new Promise((sent) => response.write(buffer.subarray(0, bytesRead), sent))]);
    }
  } finally {
    await handle.close();
  }
}
