// Downloads a file with progress.

// What WebAssembly has addresses for.
const MOST = 2 ** 32 - 1;

// The most bytes that are read at once.
const PIECE = 1 << 20;

// Bytes between two reports: pieces come by the thousand.
const STEP = 1 << 20;

/**
 * Gives the bytes behind `url` to `take`, piece by piece as they come in: Uint8Arrays, which it may use until it returns.
 * Resolves to how many bytes these were. An aborted download rejects with the signal's reason; anything else that goes wrong
 * with it is an Error that names the URL.
 */
export async function download(url, file, { signal, onProgress }, take) {
  const fail = (problem) => {
    throw new Error(`${url}: ${problem}`);
  };
  const orCutOff = async (promise) => {
    try {
      return await promise;
    } catch (error) {
      signal.throwIfAborted();
      fail(`the download failed or was cut off (${error?.message ?? error}); check the connection and try again`);
    }
  };
  const response = await orCutOff(fetch(url, { signal }));
  const { headers, status, statusText } = response;
  if (!response.ok) fail(`the server answered ${status} ${statusText}; is the file there?`);
  if (headers.get("content-type")?.startsWith("text/html")) {
    fail(`the server sent a web page instead of the ${file}; is the address right?`);
  }
  if (!response.body) fail("the server sent no data");
  // A compressed body is longer than its Content-Length.
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  const total = length === null ? null : Number(length);

  const { reader, read } = readerOf(response.body);
  const checkSize = (size) => {
    if (size <= MOST) return;
    reader.cancel().catch(() => {}); // what else comes is of no use
    fail(`${size} bytes are more than WebAssembly can hold`);
  };
  checkSize(total);

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
    if (loaded - reported >= STEP) report();
  }
  report();
  if (total !== null && total !== loaded) fail(`the download was cut off after ${loaded} of ${total} bytes; try again`);
  return loaded;
}

/**
 * The body's reader, and how to read the next piece: where the browser can, into one buffer again and again. To get fresh
 * memory for every piece takes longer than to fill it.
 */
function readerOf(body) {
  let buffer = new ArrayBuffer(PIECE);
  try {
    const reader = body.getReader({ mode: "byob" });
    const read = async () => {
      const piece = await reader.read(new Uint8Array(buffer));
      buffer = piece.value?.buffer ?? buffer;
      return piece;
    };
    return { reader, read };
  } catch {
    const reader = body.getReader();
    return { reader, read: () => reader.read() };
  }
}
