// @ts-check

/**
 * Returns whether most letters of the texts are not Latin. Pictures such as emoji count as letters.
 * @param {string[]} texts
 */
export function isForeign(texts) {
  const text = texts.join(" ");
  const count = (/** @type {RegExp} */ pattern) => text.match(pattern)?.length ?? 0;
  const latin = count(/\p{Script=Latin}/gu);
  return count(/\p{L}|\p{Extended_Pictographic}/gu) - latin > latin;
}
