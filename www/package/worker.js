// @ts-check
// A module worker that answers the requests of one client; host.js has the messages.

import { Host } from "./host.js";
import { Pool } from "./pool.js";

const host = new Host((reply) => postMessage(reply), (threads, onCrash) => new Pool(threads, onCrash));

onmessage = ({ data }) => host.receive(data);
onunhandledrejection = (event) => {
  event.preventDefault();
  host.crash(event.reason);
};
onerror = (message, source, line, column, error) => {
  host.crash(error ?? message);
  return true;
};
