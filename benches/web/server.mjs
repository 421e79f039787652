// One origin for everything that the page loads: its own modules, bert8's site, onnxruntime-web and the models.

import { join, normalize } from "node:path";
import { json } from "node:stream/consumers";
import { HEADERS, TYPES, listen, send, sendFile } from "../../tools/web/server.mjs";

// The headers of `bert8 serve`, with two exceptions: driven.html runs code that it gets from the driver, which the security
// policy would forbid; and a load must not profit from an earlier one, so nothing is cached.
const { "content-security-policy": _, ...ISOLATION } = HEADERS;
const BENCH_HEADERS = { ...ISOLATION, "cache-control": "no-store" };

/**
 * Serves folders, `{ name: folder }`; the first part of a path is the name. Returns `{ origin, close, onPost }`. Replace `onPost`
 * to receive the messages that a page posts; the value that it resolves to is the reply.
 */
export async function startServer(folders) {
  const server = await listen(async (request, response) => {
    if (request.method === "POST") {
      const reply = await started.onPost(await json(request));
      return send(response, 200, TYPES[".json"], JSON.stringify(reply), BENCH_HEADERS);
    }
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    const [, name, rest] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
    if (folders[name]) sendFile(response, join(folders[name], rest), BENCH_HEADERS);
    else send(response, 404, "text/plain", "not here", BENCH_HEADERS);
  });
  const started = { ...server, onPost: () => null };
  return started;
}
