/**
 * Classifies pairs of sentences with a BERT model that runs in a Web Worker. The sentences never leave the browser.
 *
 * ```js
 * import { load } from "bert8";
 *
 * const classifier = await load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" });
 * const { label, probabilities } = await classifier.classify("How old are you?", "What is your age?");
 * ```
 */

/** The name of a WebAssembly build: one uses relaxed SIMD, the other only SIMD128. */
export type Backend = "relaxed-simd" | "simd128";

/**
 * A URL or the bytes of a file. A relative URL is resolved against the document's base URL, or against the location of the
 * worker that calls {@link load}. Bytes are copied.
 */
export type Source = string | URL | ArrayBuffer | Uint8Array;

/** The options of {@link load}. */
export interface LoadOptions {
  /** An ONNX file of a BERT sequence classifier: one that bert8 has made (FP32 or INT8) or another export. Less than 4 GiB. */
  model: Source;

  /** The `tokenizer.json` (Hugging Face) that belongs to the model. */
  tokenizer: Source;

  /** The WebAssembly build. "auto", the default, selects the fastest build that this browser supports. */
  backend?: "auto" | Backend;

  /**
   * The kernel for integer matrix products. "auto", the default, selects the fastest kernel for this processor. The build for
   * SIMD128 has "simd128-i16" and "scalar"; the build for relaxed SIMD also has one or more of "relaxed-dot-u8",
   * "relaxed-dot-s8" and "relaxed-pairs", depending on the browser and the processor. {@link load} rejects any other name, and
   * its error lists the available kernels. FP32 models ignore a valid name.
   */
  kernel?: string;

  /**
   * The maximum length of a pair in tokens, [CLS] and [SEP] included. Longer pairs are truncated, the longer sentence first. A
   * whole number that leaves room for at least one token besides the special ones: 4 or more for BERT. The default is the
   * model's limit; a larger number has the same effect.
   */
  maxLength?: number;

  /** Cancels loading. The promise then rejects with the signal's reason. */
  signal?: AbortSignal;

  /** Called while the files are downloaded, about once per MiB, and once before the model is prepared. */
  onProgress?: (progress: LoadProgress) => void;
}

/** How far {@link load} is. The two files are downloaded at the same time, so their reports alternate. */
export interface LoadProgress {
  /** "download" for each file that is given by its URL; then "prepare", once, for the model. */
  stage: "download" | "prepare";

  /** The file that the report is about. */
  file: "model" | "tokenizer";

  /** The number of bytes received so far, after decompression; in the stage "prepare" the file's size. */
  loaded: number;

  /** The file's size in bytes; `null` if the server does not state it or compresses the file. */
  total: number | null;
}

/**
 * Downloads a model and its tokenizer and prepares them in a new worker.
 *
 * The promise rejects
 * - with a `TypeError` if an option is missing or has a wrong type or range;
 * - with the signal's reason if `signal` aborts;
 * - with an `Error` otherwise: the browser does not support the backend, a download fails, a file is damaged, the two files do
 *   not belong together, or the kernel is unknown. The message names the file and says what to do.
 */
export function load(options: LoadOptions): Promise<Classifier>;

/**
 * A loaded model, made by {@link load}. It has its own worker, which does one computation at a time.
 *
 * The methods reject with a `TypeError` if an argument has a wrong type or range, and with an `Error` after
 * {@link Classifier.dispose} or after a crash of the WebAssembly code. A crashed classifier stays unusable: load the model again.
 */
export interface Classifier {
  /** Describes the loaded model. */
  readonly info: ClassifierInfo;

  /** Classifies one pair of sentences. */
  classify(sentence1: string, sentence2: string, options?: ClassifyOptions): Promise<Classification>;

  /**
   * Classifies many pairs; the results are in the order of `pairs`. An INT8 model runs several pairs together, without padding,
   * which is faster than one {@link Classifier.classify} call per pair if the pairs are short. An FP32 model runs them one by one.
   */
  classifyBatch(
    pairs: ReadonlyArray<readonly [sentence1: string, sentence2: string]>,
    options?: BatchOptions,
  ): Promise<Classification[]>;

  /** Ends the worker and frees its memory. Pending and later calls reject with an `Error`. Does nothing the second time. */
  dispose(): void;
}

/** Describes a loaded model. */
export interface ClassifierInfo {
  /** "int8" if the model's weights are 8-bit integers. */
  readonly precision: "fp32" | "int8";

  /** The WebAssembly build in use. */
  readonly backend: Backend;

  /**
   * The kernel for integer matrix products (see {@link LoadOptions.kernel}), or "tract" for an FP32 model, or "unfused" for an
   * INT8 model whose structure bert8 does not recognize. Such a model runs without the fast kernels.
   */
  readonly kernel: string;

  /** The size of the model file in bytes. */
  readonly modelBytes: number;

  /** The size of the worker's WebAssembly memory in bytes, after loading. */
  readonly memoryBytes: number;

  /** The number of encoder layers. */
  readonly layers: number;

  /** The width of the hidden states. */
  readonly hidden: number;

  /** The maximum length of a pair in tokens, [CLS] and [SEP] included. Longer pairs are truncated. */
  readonly maxLength: number;

  /** The label names, by label id. A regression model has one, which names its score. */
  readonly labels: readonly string[];

  /** The time from the start of the downloads until the model was ready, in milliseconds. */
  readonly loadMs: number;
}

/** The options of {@link Classifier.classify}: how often to repeat it for a stable timing. */
export interface ClassifyOptions {
  /** The number of timed runs, a whole number of at least 1; 1 by default. */
  runs?: number;

  /** The number of runs before the timed ones, a whole number of at least 0; 0 by default. */
  warmup?: number;

  /**
   * A time limit in milliseconds: no timed run starts later than this after the first one. A finite number of at least 0; no
   * limit by default.
   */
  budgetMs?: number;
}

/** The options of {@link Classifier.classifyBatch}. */
export interface BatchOptions {
  /** Cancels the call. The promise rejects with the signal's reason at once; the worker stops after at most 32 more pairs. */
  signal?: AbortSignal;

  /** Called after every 32 pairs on an INT8 model, after every pair on an FP32 model, and at the end. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** The result for one pair: a class, or a score if the model has a single output (a regression model). */
export type Classification = Decision | Score;

/** The result of a model with two or more labels. */
export interface Decision extends Answer {
  /** The name of the label with the largest logit. */
  label: string;

  /** The id of that label, its index in {@link ClassifierInfo.labels}. */
  labelId: number;

  /** The softmax of the logits: one number from 0 to 1 per label id. They add up to 1, up to rounding. */
  probabilities: number[];

  score: null;
}

/** The result of a regression model. */
export interface Score extends Answer {
  label: null;

  labelId: null;

  /** Empty. */
  probabilities: number[];

  /** The model's only logit, unchanged. */
  score: number;
}

/** What both kinds of results have. */
export interface Answer {
  /** The model's outputs, by label id. */
  logits: number[];

  /** The length of the pair in tokens, [CLS] and [SEP] included, after truncation. */
  tokens: number;

  /** Whether the pair was longer than {@link ClassifierInfo.maxLength} and was truncated. */
  truncated: boolean;

  /** How long the computation took. */
  timing: Timing;
}

/** Times in milliseconds; the medians of `runs` runs. */
export interface Timing {
  /** From the sentences to the token ids. */
  tokenizeMs: number;

  /** From the token ids to the logits. For a pair of a batch: its share, by tokens, of the time of the pairs that ran together. */
  inferMs: number;

  /** The number of timed runs. */
  runs: number;
}
