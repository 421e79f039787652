// One origin for everything that the page loads: its own modules, bert8's site, onnxruntime-web and the models.

import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { send, sendFile } from "../../tests/page/static.mjs";

/** Serves folders by the first part of the path, `{ name: folder }`; gives `{ origin, close }`. */
export async function startServer(folders) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    const [, name, rest] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
    if (folders[name]) sendFile(response, join(folders[name], rest));
    else send(response, 404, "text/plain", "not here");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
