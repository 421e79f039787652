/** Returns a WebAssembly module with one more custom section, which holds a text. */
export function stamp(module, name, text) {
  const sized = (bytes) => Buffer.concat([leb128(bytes.length), bytes]);
  const CUSTOM = 0;
  return Buffer.concat([module, Buffer.of(CUSTOM), sized(Buffer.concat([sized(Buffer.from(name)), Buffer.from(text)]))]);
}

/** Encodes a number as WebAssembly does. */
function leb128(number) {
  const bytes = [];
  do {
    bytes.push((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
    number >>>= 7;
  } while (number > 0);
  return Buffer.from(bytes);
}
