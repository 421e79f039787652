// @ts-check
// Which language a model knows, and whether a text is in it.

/** @import { Classification } from "../../bert8.js" */

export const ENGLISH_ONLY = "This model knows English only, says its card. Most of this is in other letters or unknown to it, so the answer means little.";

const NAMES = new Intl.DisplayNames("en", { type: "language" });

/**
 * Says that a model knows only the language with this code, such as "en".
 * @param {string} code
 */
export const onlyLanguage = (code) => `${NAMES.of(code)} only.`;

/**
 * Returns whether most letters of the texts are not Latin, or most tokens unknown to the model that gave the answer. Pictures such as
 * emoji count as letters.
 * @param {string[]} texts
 * @param {Pick<Classification, "tokens" | "unknown">} answer
 */
export function isForeign(texts, { tokens, unknown }) {
  // The first and the last token, and the one between two texts, mark their ends.
  if (unknown > (tokens - texts.length - 1) / 2) return true;
  const text = texts.join(" ");
  const count = (/** @type {RegExp} */ pattern) => text.match(pattern)?.length ?? 0;
  const latin = count(/\p{Script=Latin}/gu);
  return count(/\p{L}|\p{Extended_Pictographic}/gu) - latin > latin;
}
