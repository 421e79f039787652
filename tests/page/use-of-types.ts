// Uses the package's types. types.test.mjs checks this file and never runs it. Each line after @ts-expect-error must be an error.

import { load } from "bert8";
import type { Backend, Classification, ClassifierInfo, LoadOptions, LoadProgress } from "bert8";

const files: LoadOptions = { model: "model.int8.onnx", tokenizer: new Uint8Array() };
const report = ({ stage, file, loaded, total }: LoadProgress) => console.log(stage, file, loaded / (total ?? loaded));
const classifier = await load({ ...files, backend: "auto", kernel: "scalar", maxLength: 64, onProgress: report });

const info: ClassifierInfo = classifier.info;
const backend: Backend = info.backend;
const answer: Classification = await classifier.classify("a", "b", { runs: 3, warmup: 1, budgetMs: 10 });
const pairs = [["a", "b"], ["c", "d"]] as const;
const answers: Classification[] = await classifier.classifyBatch(pairs, { signal: AbortSignal.timeout(1000) });
classifier.dispose();

// The label tells a decision from a score.
if (answer.label === null) {
  const score: number = answer.score;
  console.log(score);
} else {
  const likelihood: number | undefined = answer.probabilities[answer.labelId];
  console.log(answer.label.toUpperCase(), likelihood);
}
console.log(backend, answers.map(({ logits, timing }) => [logits, timing.inferMs]));

// @ts-expect-error a model is required
await load({ tokenizer: "tokenizer.json" });
// @ts-expect-error there is no such backend
await load({ ...files, backend: "gpu" });
// @ts-expect-error a pair has two sentences
await classifier.classifyBatch([["a"]]);
// @ts-expect-error the description is read-only
info.maxLength = 7;
// @ts-expect-error a score has no label
const label: string = answer.label;
