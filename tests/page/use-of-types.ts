// Uses the package's types. types.test.mjs checks this file and never runs it. Each line after @ts-expect-error must be an error.

import { cache, load } from "bert8";
import { load as loadInline } from "bert8/inline";
import type { Accuracy, Backend, CachedFile, Classification, ClassifierInfo, LoadOptions, LoadProgress, RankedText, TextInput } from "bert8";

const files: LoadOptions = { model: "model.int8.onnx", tokenizer: new Uint8Array() };
const report = ({ stage, file, loaded, total }: LoadProgress) => console.log(stage, file, loaded / (total ?? loaded));
const classifier = await load({ ...files, backend: "auto", kernel: "scalar", maxLength: 64, threshold: 0.3, onProgress: report });

const kept = await load("https://example.com/model/", { cache: true, stallMs: 10_000, onProgress: ({ share }) => console.log(share ?? 0) });
const checked = await load({ model: new Blob(), tokenizer: new Response(), integrity: { model: "sha256-…" }, size: 10 });
const list: CachedFile[] = await cache.list();
const deleted: number = await cache.delete(list[0]?.url);
const accuracy: Accuracy | null = kept.info.accuracy;
console.log(checked, deleted, accuracy?.metric?.interval[0], accuracy?.sqnr?.toFixed(1));

const info: ClassifierInfo = classifier.info;
const backend: Backend = info.backend;
const single: Classification = await classifier.classify("a");
const repeated: Classification = await classifier.classify("a", { runs: 3 });
const answer: Classification = await classifier.classify("a", "b", { runs: 3, warmup: 1, budgetMs: 10 });
const pairs = [["a", "b"], ["c", "d"]] as const;
const answers: Classification[] = await classifier.classifyBatch(pairs, { signal: AbortSignal.timeout(1000) });
const limited: Classification = await classifier.classify("a", "b", { signal: AbortSignal.timeout(1000), timeoutMs: 50 });
const mixed: TextInput[] = ["a", ["b", "c"]];
const more: Classification[] = await classifier.classifyBatch(mixed);
const ranked: RankedText[] = await classifier.rerank("a", ["b", "c"], { onProgress: ({ done, total }) => console.log(done / total) });
const texts: "single" | "pair" | null = info.texts;
classifier.dispose();
const elsewhere = { ...files, worker: () => new Worker("worker.js"), module: new SharedArrayBuffer(8) };
{
  await using temporary = await load(elsewhere);
  await using inline = await loadInline({ ...files, module: new URL("https://example.com/relaxed.wasm") });
  console.log(temporary.info === inline.info, limited);
}

// The problem tells the kinds of answers apart.
switch (answer.problem) {
  case "single-label": {
    const likelihood: number | undefined = answer.probabilities[answer.labelId];
    console.log(answer.label.toUpperCase(), likelihood);
    break;
  }
  case "multi-label": {
    const names: string[] = answer.labels.map(({ id, name, probability }) => `${id} ${name} ${probability.toFixed(2)}`);
    console.log(names, answer.score ?? "several labels");
    break;
  }
  case "regression": {
    const score: number = answer.score;
    console.log(score);
    break;
  }
  default: {
    const none: never = answer;
    console.log(none);
  }
}
console.log(backend, single, repeated, texts, more.length, ranked.map(({ index, score }) => [index, score]));
console.log(answers.map(({ logits, timing }) => [logits, timing.inferMs]));

// @ts-expect-error a model is required
await load({ tokenizer: "tokenizer.json" });
// @ts-expect-error a manifest says what to load
await load("https://example.com/model/", { model: "model.int8.onnx" });
// @ts-expect-error there is no such backend
await load({ ...files, backend: "gpu" });
// @ts-expect-error there is no such option
await load({ ...files, kernal: "scalar" });
// @ts-expect-error nor here
await classifier.classify("a", "b", { run: 3 });
// @ts-expect-error a pair has two texts
await classifier.classifyBatch([["a"]]);
// @ts-expect-error the description is read-only
info.maxLength = 7;
// @ts-expect-error only a single-label model has one label
const label: string = answer.label;
// @ts-expect-error the options come last
await classifier.classify("a", { runs: 3 }, "b");
// @ts-expect-error a reranker needs a list
await classifier.rerank("a", "b");
