// Makes sentence pairs with an exact number of tokens, and their token ids for an engine without a tokenizer.

/** Returns a generator of numbers from 0 (inclusive) to 1 (exclusive). They depend only on `seed` (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Random pairs whose words are one token each, from a parsed tokenizer.json with a WordPiece vocabulary. */
export class Sentences {
  #vocabulary;
  #words;
  #random;

  constructor(tokenizer, seed) {
    this.#vocabulary = tokenizer.model.vocab;
    this.#words = Object.keys(this.#vocabulary).filter((token) => /^[a-z]{3,}$/.test(token)).sort();
    this.#random = random(seed);
    if (this.#words.length === 0) throw new Error("tokenizer.json has no words of lower-case letters");
  }

  /** Returns a pair of `tokens` tokens, [CLS] and both [SEP] included: `{ a, b, ids, types }`. */
  pair(tokens) {
    const words = Array.from({ length: tokens - 3 }, () => this.#words[Math.floor(this.#random() * this.#words.length)]);
    const first = words.splice(0, Math.ceil(words.length / 2));
    const ids = ["[CLS]", ...first, "[SEP]", ...words, "[SEP]"].map((token) => this.#vocabulary[token]);
    const types = ids.map((_, at) => (at < first.length + 2 ? 0 : 1));
    return { a: first.join(" "), b: words.join(" "), ids, types };
  }

  /** Returns `count` pairs of `tokens` tokens. */
  pairs(count, tokens) {
    return Array.from({ length: count }, () => this.pair(tokens));
  }

  /** Returns `count` pairs of `least` to `most` tokens. */
  mixed(count, least, most) {
    return Array.from({ length: count }, () => this.pair(least + Math.floor(this.#random() * (most - least + 1))));
  }
}
