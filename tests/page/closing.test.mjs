// A worker outlives its threads: Chromium may keep both if the worker is terminated while they end.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Pool } from "../../www/package/pool.js";
import { connectWorker } from "../../www/package/worker-client.js";

/** A worker that notes what happens to it. */
class FakeWorker {
  terminated = false;
  received = [];
  postMessage(message) {
    this.received.push(message);
  }
  terminate() {
    this.terminated = true;
  }
  say(data) {
    this.onmessage({ data });
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

function startedPool(threads) {
  const workers = [];
  const pool = new Pool(threads, () => {}, () => workers[workers.push(new FakeWorker()) - 1]);
  const calls = [];
  const wasm = { startPool: () => 0, closePool: () => calls.push("closePool") };
  const start = () => pool.start({ wasm, module: null, memory: { buffer: new SharedArrayBuffer(8) } });
  return { pool, workers, calls, start };
}

test("a pool is dismissed when each of its threads has finished and was ended", async () => {
  const { pool, workers, calls, start } = startedPool(3);
  start();
  let done = false;
  pool.dismiss().then(() => (done = true));
  assert.deepEqual(calls, ["closePool"]);
  for (const worker of workers) {
    await settled();
    assert.deepEqual([done, worker.terminated], [false, false]);
    worker.say({});
    assert.ok(worker.terminated);
  }
  await settled();
  assert.ok(done);
});

test("a pool is dismissed at once if it does not compute or none of its threads has started", async () => {
  const idle = startedPool(3);
  await idle.pool.dismiss();
  assert.deepEqual([idle.calls, idle.workers.map(({ terminated }) => terminated)], [[], [true, true]]);
  const failed = startedPool(2);
  failed.start();
  failed.workers[0].say({});
  await failed.pool.dismiss();
  assert.deepEqual(failed.calls, ["closePool"]);
});

for (const [name, says, lives] of [
  ["a moment longer than its threads", (worker) => worker.say({ closed: true }), 300],
  ["two seconds if it does not answer", (worker) => worker.say({ id: 1, result: 1 }), 2000],
]) {
  test(`a worker that is asked to close lives ${name}`, (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const worker = new FakeWorker();
    const client = connectWorker(() => worker);
    client.close(new Error("closed"));
    assert.deepEqual(worker.received, [{ close: true }]);
    says(worker);
    t.mock.timers.tick(lives - 1);
    assert.ok(!worker.terminated);
    t.mock.timers.tick(1);
    assert.ok(worker.terminated);
  });
}
