// @ts-check
// Connects a client with an engine in a new Web Worker.

/** @import { LoadOptions } from "./bert8.js" */
/** @import { StartedWorker } from "./start-worker.js" */

import { Client } from "./client.js";
import { Crash } from "./crash.js";
import { endWorker } from "./end-worker.js";
import { explainFailure, watchPolicy } from "./failure.js";
import { absolute } from "./inputs.js";
import { messageOf } from "./message-of.js";
import { startScript, startWorker } from "./start-worker.js";

/**
 * Returns a client of a new worker.
 * @param {LoadOptions["worker"]} given
 * @throws {Error} if a worker cannot be started here
 */
export function connectWorker(given) {
  const policy = watchPolicy();
  const { worker, url } = start(given);
  const client = new Client({
    post: (message, transfer) => worker.postMessage(message, transfer),
    end() {
      policy.stop();
      endWorker(worker);
    },
  });
  let answered = false;
  worker.onmessage = ({ data }) => {
    answered = true;
    client.receive(data);
  };
  worker.onmessageerror = () => client.close(new Error("the bert8 worker sent a message that could not be read"));
  worker.onerror = async (event) => {
    event.preventDefault?.();
    const { message } = event;
    if (answered) return client.close(new Crash(`the bert8 worker crashed (${message})`));
    const reason = await explainFailure(url, message, policy);
    client.close(new Error(`the bert8 worker did not start: ${reason}`));
  };
  return client;
}

/**
 * @param {LoadOptions["worker"]} given
 * @returns {StartedWorker}
 */
function start(given) {
  if (typeof given === "function") {
    const worker = given();
    if (typeof worker?.postMessage !== "function") throw new TypeError("load(): the function `worker` must return a Worker");
    return { worker, url: undefined };
  }
  if (typeof Worker !== "function") {
    throw new Error('bert8 needs a Web Worker, which does not exist here (as in Node, in service workers and on servers); import { load } from "bert8/inline" instead');
  }
  try {
    if (given !== undefined) return startScript(absolute(given), { type: "module", name: "bert8" });
    // Bundlers recognize this expression.
    return startWorker(() => new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "bert8" }));
  } catch (error) {
    throw new Error(`the bert8 worker did not start: ${messageOf(error)}; ${OWN_ORIGIN}`);
  }
}

const OWN_ORIGIN =
  'host the files of bert8 on the page\'s own origin and allow workers there, or import { load } from "bert8/inline", which needs none';
