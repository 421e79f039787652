// One origin for everything that the page loads: its own modules, bert8's site, onnxruntime-web and the models.

import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { json } from "node:stream/consumers";
import { TYPES, send, sendFile } from "../../tests/page/static.mjs";

/**
 * Serves folders by the first part of the path, `{ name: folder }`; gives `{ origin, close, onPost }`. What `onPost` makes of what a
 * page sends by POST is the answer to that.
 */
export async function startServer(folders) {
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      return json(request).then(started.onPost).then((answer) => send(response, 200, TYPES[".json"], JSON.stringify(answer)));
    }
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    const [, name, rest] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
    if (folders[name]) sendFile(response, join(folders[name], rest));
    else send(response, 404, "text/plain", "not here");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const started = {
    onPost: () => null,
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return started;
}
