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
      const classifiers = await Promise.all([int8.ready(), fp32.ready()]);
      return alone(async () => {
        const answers = { int8: await measure(classifiers[0], a, b), fp32: await measure(classifiers[1], a, b) };
        return { ...answers, speedup: speedup(answers.fp32, answers.int8) };
      });
    },
  };
  console.info('bert8: try  await bert8.compare("How old are you?", "What is your age?")  or  await bert8.int8.classify(a, b)');
}
