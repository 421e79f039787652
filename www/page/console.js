import { load } from "../bert8.js";
import { alone, measure, speedup } from "./measure.js";

/** Puts `window.bert8` in place: the API and the page's own two models. */
export function setUpConsole({ int8, fp32 }) {
  window.bert8 = {
    load,
    get int8() {
      return int8.classifier;
    },
    get fp32() {
      return fp32.classifier;
    },
    /** Waits for both models, then measures one after the other. */
    async compare(a, b) {
      for (;;) {
        await Promise.all([int8.ready(), fp32.ready()]);
        const answers = await alone(() => bothAnswers(int8, fp32, a, b));
        if (answers) return { ...answers, speedup: speedup(answers.fp32, answers.int8) };
      }
    },
  };
  console.info('bert8: try  await bert8.compare("How old are you?", "What is your age?")  or  await bert8.int8.classify(a, b)');
}

/** Resolves to nothing where a model is loaded anew before it has answered. */
async function bothAnswers(int8, fp32, a, b) {
  const mine = [int8.classifier, fp32.classifier];
  const same = () => mine[0] && mine[1] && mine[0] === int8.classifier && mine[1] === fp32.classifier;
  if (!same()) return undefined;
  try {
    return { int8: await measure(mine[0], a, b), fp32: await measure(mine[1], a, b) };
  } catch (error) {
    if (same()) throw error;
  }
}
