import { load } from "../bert8.js";
import { alone, measure, speedup } from "./measure.js";

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
        if (answers) return { ...answers, speedup: speedup(answers.fp32, answers.int8) };
      }
    },
  };
  console.info('bert8: try  await bert8.compare("How old are you?", "What is your age?")  or  await bert8.int8.classify(text)');
}

/** Resolves to undefined if a model is reloaded before both have answered. */
async function bothAnswers(int8, fp32, texts) {
  const classifiers = [int8.classifier, fp32.classifier];
  const unchanged = () => classifiers.every(Boolean) && classifiers[0] === int8.classifier && classifiers[1] === fp32.classifier;
  if (!unchanged()) return undefined;
  try {
    return { int8: await measure(classifiers[0], texts), fp32: await measure(classifiers[1], texts) };
  } catch (error) {
    if (unchanged()) throw error;
  }
}
