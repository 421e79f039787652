// @ts-check
// Downloads a file and reports progress.

/** @import { LoadProgress } from "./bert8.js" */

// WebAssembly has 32-bit addresses.
const MAX_BYTES = 2 ** 32 - 1;

// Size of the buffer that a chunk is read into.
const CHUNK_BYTES = 1 << 20;

// Bytes between two progress reports. Chunks can arrive by the thousand.
const REPORT_BYTES = 1 << 20;

/**
 * Downloads `url` and passes each chunk to `take` as it arrives. A chunk is only valid until `take` returns.
 * @param {string} url
 * @param {LoadProgress["file"]} file what the URL leads to, for progress reports and error messages
 * @param {{ signal: AbortSignal, onProgress: (progress: LoadProgress) => void }} context
 * @param {(chunk: Uint8Array) => void} take
 * @returns {Promise<number>} the size in bytes
 * @throws the signal's reason after an abort; otherwise an `Error` that names the URL
 */
export async function download(url, file, { signal, onProgress }, take) {
  /** @type {(problem: string) => never} */
  const fail = (problem) => {
    throw new Error(`${url}: ${problem}`);
  };
  const orCutOff = async (/** @type {Promise<any>} */ promise) => {
    try {
      return await promise;
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : error;
      return fail(`the download failed or was cut off (${reason}); check the connection and try again`);
    }
  };
  /** @type {Response} */
  const response = await orCutOff(fetch(url, { signal }));
  const { headers, status, statusText } = response;
  if (!response.ok) fail(`the server answered ${status} ${statusText}; is the file there?`);
  if (headers.get("content-type")?.startsWith("text/html")) {
    fail(`the server sent a web page instead of the ${file}; is the address right?`);
  }
  if (!response.body) return fail("the server sent no data");
  // The Content-Length of a compressed response is that of the compressed data, so the size is unknown.
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  const total = length === null ? null : Number(length);

  const { reader, read } = openReader(response.body);
  const checkSize = (/** @type {number} */ size) => {
    if (size <= MAX_BYTES) return;
    reader.cancel().catch(() => {}); // the error below matters more
    fail(`${size} bytes are more than WebAssembly can hold`);
  };
  if (total !== null) checkSize(total);

  let loaded = 0;
  let reported = 0;
  const report = () => {
    reported = loaded;
    onProgress({ stage: "download", file, loaded, total });
  };
  report();
  for (;;) {
    const { done, value } = await orCutOff(read());
    if (done) break;
    loaded += value.length;
    checkSize(loaded);
    take(value);
    if (loaded - reported >= REPORT_BYTES) report();
  }
  report();
  if (total !== null && total !== loaded) fail(`the download was cut off after ${loaded} of ${total} bytes; try again`);
  return loaded;
}

/**
 * Returns a reader of `body` and a function that reads the next chunk. If the browser supports it, all chunks are read into
 * one buffer: allocating memory for a chunk takes longer than filling it.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 */
function openReader(body) {
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  try {
    const reader = body.getReader({ mode: "byob" });
    const read = async () => {
      const chunk = await reader.read(new Uint8Array(buffer));
      buffer = chunk.value?.buffer ?? buffer;
      return chunk;
    };
    return { reader, read };
  } catch {
    const reader = body.getReader();
    return { reader, read: () => reader.read() };
  }
}
