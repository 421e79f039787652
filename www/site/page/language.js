// @ts-check
// Which language a model knows, and whether a text is in it.

export const ENGLISH_ONLY = "This model knows English only, says its card. Most of this is not in Latin letters, so the answer means little.";

const NAMES = new Intl.DisplayNames("en", { type: "language" });

/**
 * Says that a model knows only the language with this code, such as "en".
 * @param {string} code
 */
export const onlyLanguage = (code) => `${NAMES.of(code)} only.`;

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
