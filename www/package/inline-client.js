// @ts-check
// Connects a client with an engine on the same thread.

import { Client } from "./client.js";
import { Host } from "./host.js";

/** Returns a client of a new engine on this thread. */
export function connectInline() {
  const host = new Host((message) => client.receive(message));
  const client = new Client({ post: (message) => void host.receive(message), end() {} });
  return client;
}
