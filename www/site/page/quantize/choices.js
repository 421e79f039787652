// @ts-check
// What a visitor can choose, and what the choices mean for the quantizer.

/**
 * How the visitor wants to quantize, as the fields of the form hold it. Empty means: as the command chooses.
 * @typedef {object} Choices
 * @property {string} preset
 * @property {boolean} skipBadRows
 * @property {boolean} forceCalibration
 * @property {string} reads "single" or "pair"
 * @property {string} answers "single-label", "multi-label" or "regression"
 * @property {boolean} requantize
 * @property {string} heads a number, as are `subsetSize` and `maxLength`
 * @property {string} logits the name of an output
 * @property {string} subsetSize
 * @property {string} maxLength
 * @property {string} ignore names and patterns
 * @property {boolean} sensitivity
 *
 * The options of `bert8 quantize`. Null means that an option is not given.
 * @typedef {object} Options
 * @property {string} preset
 * @property {boolean} skipBadRows
 * @property {boolean} forceCalibration
 * @property {string | null} reads
 * @property {string | null} answers
 * @property {boolean} requantize
 * @property {number | null} heads
 * @property {string | null} logits
 * @property {number | null} subsetSize
 * @property {number | null} maxLength
 * @property {string[]} ignore
 * @property {boolean} sensitivity
 *
 * What is wrong with a choice, or with files for which another choice helps.
 * @typedef {{ choice: keyof Choices, message: string }} Fault
 */

/** The preset that the command takes if none is named. */
export const USUAL_PRESET = "balanced";

/** The least values of numbers, as the command has them. */
const LEAST = /** @type {const} */ ({ heads: 1, subsetSize: 1, maxLength: 4 });

/** The largest number that is taken. */
const MOST = 65_535;

/** Returns what is chosen before the visitor has chosen anything. */
export const usualChoices = () => /** @type {Choices} */ ({
  preset: USUAL_PRESET, skipBadRows: false, forceCalibration: false, reads: "", answers: "", requantize: false, heads: "", logits: "",
  subsetSize: "", maxLength: "", ignore: "", sensitivity: false,
});

/**
 * Returns the patterns in a text: what stands between spaces or commas. Takes what a report shows, `--ignore 'layer.5.*'`, as it is.
 * @param {string} text
 */
export function patternsOf(text) {
  const words = text.split(/[\s,]+/).map((word) => word.replace(/^--ignore=?/, "").replaceAll(/^['"`‘’“”]+|['"`‘’“”]+$/g, ""));
  return [...new Set(words.filter(Boolean))];
}

/**
 * Returns what is wrong with the numbers, if anything is.
 * @param {Choices} choices
 * @returns {Fault | null}
 */
export function faultIn(choices) {
  for (const [key, least] of Object.entries(LEAST)) {
    const choice = /** @type {keyof typeof LEAST} */ (key);
    const text = choices[choice].trim();
    if (text !== "" && !(/^\d+$/.test(text) && Number(text) >= least && Number(text) <= MOST)) {
      return { choice, message: `“${text}” is no whole number from ${least} to ${MOST}` };
    }
  }
  return null;
}

/**
 * Returns the options for choices without faults.
 * @param {Choices} choices
 * @returns {Options}
 */
export function optionsOf({ reads, answers, heads, logits, subsetSize, maxLength, ignore, ...rest }) {
  const number = (/** @type {string} */ text) => (text.trim() === "" ? null : Number(text));
  return {
    ...rest, reads: reads || null, answers: answers || null, heads: number(heads), logits: logits.trim() || null,
    subsetSize: number(subsetSize), maxLength: number(maxLength), ignore: patternsOf(ignore),
  };
}
