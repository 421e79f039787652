// Downloads a file with progress.

// What WebAssembly has addresses for.
const MOST = 2 ** 32 - 1;

// Bytes between two reports: pieces come by the thousand.
const STEP = 1 << 20;

/**
 * The bytes behind `url` in the pieces they came in, Uint8Arrays: to put them together takes longer than to read them as they
 * are. An aborted download rejects with the signal's reason; anything else that goes wrong is an
 * Error that names the URL.
 */
export async function download(url, file, { signal, onProgress }) {
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

  const reader = response.body.getReader();
  const checkSize = (size) => {
    if (size <= MOST) return;
    reader.cancel().catch(() => {}); // what else comes is of no use
    fail(`${size} bytes are more than WebAssembly can hold`);
  };
  checkSize(total);

  const pieces = [];
  let loaded = 0;
  let reported = 0;
  const report = () => {
    reported = loaded;
    onProgress({ stage: "download", file, loaded, total });
  };
  report();
  for (;;) {
    const { done, value } = await orCutOff(reader.read());
    if (done) break;
    pieces.push(value);
    loaded += value.length;
    checkSize(loaded);
    if (loaded - reported >= STEP) report();
  }
  report();
  if (total !== null && total !== loaded) fail(`the download was cut off after ${loaded} of ${total} bytes; try again`);
  return pieces;
}
