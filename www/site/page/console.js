import { load } from "../bert8.js";
import { alone, race } from "./race.js";

/** Defines `window.bert8`, for the browser's console: the API and the page's two models. */
export function setUpConsole({ int8, fp32 }) {
  window.bert8 = {
    load,
    get int8() {
      return int8.classifier;
    },
    get fp32() {
      return fp32.classifier;
    },
    /** Waits for both models, then classifies and times the text or pair with each. Resolves to `{ int8, fp32, speedup }`. */
    async compare(...texts) {
      for (;;) {
        await Promise.all([int8.ready(), fp32.ready()]);
        const answers = await alone(() => bothAnswers(int8, fp32, texts));
        if (answers) return answers;
      }
    },
  };
  console.info('bert8: try  await bert8.compare("How old are you?", "What is your age?")  or  await bert8.int8.classify(text)');
}

/** Resolves to undefined if a model is reloaded before both have answered. */
async function bothAnswers(int8, fp32, texts) {
  const classifiers = { int8: int8.classifier, fp32: fp32.classifier };
  const wanted = () => classifiers.int8 && classifiers.int8 === int8.classifier && classifiers.fp32 && classifiers.fp32 === fp32.classifier;
  if (!wanted()) return undefined;
  const entrant = (classifier) => () => classifier.classify(...texts);
  const answers = {};
  try {
    const result = await race(
      { int8: entrant(classifiers.int8), fp32: entrant(classifiers.fp32) },
      { wanted, onAnswer: (key, answer) => (answers[key] = answer) },
    );
    if (!result) return undefined;
    for (const [key, { infer, tokenizeMs, runs }] of Object.entries(result.times)) {
      answers[key].timing = { tokenizeMs, inferMs: infer.median, runs };
    }
    return { ...answers, speedup: result.speedup.median };
  } catch (error) {
    if (wanted()) throw error;
  }
}
