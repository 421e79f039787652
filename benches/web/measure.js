// Times contenders in turn, so that other load on the machine affects all of them alike.

const now = () => performance.now();

/** Returns whether a contender can run a pair; one without `lengths` runs any. */
export const canRun = ({ lengths }, { ids }) => !lengths || lengths.includes(ids.length);

/**
 * Runs rounds. In a round, each contender classifies the same pair; the order rotates. The first round is not counted. It
 * determines how many rounds follow: as many as fit into `budgetMs`, but at least `least` and at most `most`. If it takes less
 * than `shortMs`, each contender warms up and runs three times in a round. With `blockMs`, it warms up for at least so long in
 * every round, and then runs for as long.
 *
 * Resolves to one time per round in milliseconds (the median of its runs), by contender.
 */
export async function alternate(contenders, pairs, { budgetMs, least, most, shortMs, blockMs = 0 }) {
  const times = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  const round = async (at, optionsOf) => {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(at + turn) % contenders.length];
      const { ms } = await contender.run(pairs[at % pairs.length], optionsOf(contender));
      times[contender.name].push(ms);
    }
  };
  await round(0, () => ({ warmup: 1, runs: 1 }));
  const first = Object.fromEntries(Object.entries(times).map(([name, [ms]]) => [name, ms]));
  const turn = Object.values(first).reduce((sum, ms) => sum + ms, 0);
  const { warmup, runs } = turn < shortMs ? { warmup: 1, runs: 3 } : { warmup: 0, runs: 1 };
  const optionsOf = ({ name }) => {
    const block = Math.ceil(blockMs / first[name]);
    return { warmup: Math.max(warmup, block), runs: Math.max(runs, block) };
  };
  const cost = contenders.reduce((sum, contender) => {
    const { warmup, runs } = optionsOf(contender);
    return sum + first[contender.name] * (warmup + runs);
  }, 0);
  const rounds = Math.min(most, Math.max(least, Math.floor(budgetMs / cost)));
  for (const list of Object.values(times)) list.length = 0;
  for (let at = 0; at < rounds; at++) await round(at, optionsOf);
  return times;
}

/** Times `pairs` as one batch and one by one, alternately, `repeats` times each. Resolves to milliseconds and logits of both. */
export async function batches(classifier, pairs, repeats) {
  const sentences = pairs.map(({ a, b }) => [a, b]);
  const ways = {
    batch: () => classifier.classifyBatch(sentences),
    single: async () => {
      const answers = [];
      for (const [a, b] of sentences) answers.push(await classifier.classify(a, b));
      return answers;
    },
  };
  const times = { batch: [], single: [] };
  const logits = {};
  await classifier.classifyBatch(sentences.slice(0, 8));
  for (let at = 0; at < repeats; at++) {
    for (const [name, way] of Object.entries(ways)) {
      const start = now();
      const answers = await way();
      times[name].push(now() - start);
      logits[name] = answers.map((answer) => answer.logits);
    }
  }
  return { ...times, logits };
}
