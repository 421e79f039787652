/**
 * A BERT sentence-pair classifier that runs in a Web Worker. Sentences never leave the browser.
 *
 * ```js
 * import { load } from "bert8";
 *
 * const classifier = await load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" });
 * const { label, probabilities } = await classifier.classify("How old are you?", "What is your age?");
 * ```
 */

/** A name of one of the two wasm builds. */
export type Backend = "relaxed-simd" | "simd128";

/** A URL, resolved against the document's base URL, or the bytes of the file (they are copied). */
export type Source = string | URL | ArrayBuffer | Uint8Array;

export interface LoadOptions {
  /** An ONNX file: `model.int8.onnx`, `model.fp32.onnx` or another BERT export. */
  model: Source;
  /** A Hugging Face `tokenizer.json`. */
  tokenizer: Source;
  /** "auto", the default, takes the fastest build that this browser supports. */
  backend?: "auto" | Backend;
  /** What multiplies integers: "auto", the default, or another kernel of the build, such as "simd128-i16" or "scalar". */
  kernel?: string;
  /** Pairs of more tokens than this are cut; at most, and by default, what the model allows. */
  maxLength?: number;
  /** Stops the download or the preparation; `load` then rejects with the signal's reason. */
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
}

/** Both files are downloaded at the same time. */
export interface LoadProgress {
  stage: "download" | "prepare";
  file: "model" | "tokenizer";
  /** Bytes while downloading. */
  loaded: number;
  /** `null` where the server does not say. */
  total: number | null;
}

/**
 * Downloads and prepares a model in a worker of its own.
 *
 * Rejects with an `Error` that says what to do if the backend is unknown or unsupported, a file is missing or not what
 * it should be, or a download ends early; with the signal's reason when `signal` aborts.
 */
export function load(options: LoadOptions): Promise<Classifier>;

/** Made by {@link load}. Calls run one after the other, in the classifier's own worker. */
export interface Classifier {
  readonly info: ClassifierInfo;

  /** Classifies one pair of sentences. */
  classify(sentence1: string, sentence2: string, options?: ClassifyOptions): Promise<Classification>;

  /** Classifies many pairs, on INT8 models several at a time and without padding; the results are in the order of `pairs`. */
  classifyBatch(
    pairs: ReadonlyArray<readonly [sentence1: string, sentence2: string]>,
    options?: BatchOptions,
  ): Promise<Classification[]>;

  /** Ends the worker and frees its memory. Calls under way and later ones reject. */
  dispose(): void;
}

export interface ClassifierInfo {
  readonly precision: "fp32" | "int8";
  readonly backend: Backend;
  /** The matrix kernel that was chosen for this processor; "unfused" if none fits the file. */
  readonly kernel: string;
  /** Size of the model file. */
  readonly modelBytes: number;
  /** WebAssembly memory in use after loading. */
  readonly memoryBytes: number;
  readonly layers: number;
  readonly hidden: number;
  /** The most tokens a pair can have before it is cut. */
  readonly maxLength: number;
  /** Label names by label id; one alone is that of a regression model's score. */
  readonly labels: readonly string[];
  /** Time from the start of the worker's work to a usable model, download included. */
  readonly loadMs: number;
}

export interface ClassifyOptions {
  /** How often to run the model for a stable timing; 1 by default. */
  runs?: number;
  /** Runs before those that are timed; 0 by default. */
  warmup?: number;
  /** Ends the repeats early once this much time has gone by. */
  budgetMs?: number;
}

export interface BatchOptions {
  /** Stops between two pairs; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** An answer: a class or, from a model with one output (a regression model), a score. */
export type Classification = Decision | Score;

export interface Decision extends Answer {
  label: string;
  labelId: number;
  /** One per label; they add up to 1. */
  probabilities: number[];
  score: null;
}

export interface Score extends Answer {
  label: null;
  labelId: null;
  /** Empty. */
  probabilities: number[];
  /** The logit as it is. */
  score: number;
}

export interface Answer {
  /** What the model puts out, by label id. */
  logits: number[];
  /** Length of the pair, [CLS] and [SEP] included. */
  tokens: number;
  /** Whether the pair was cut to fit `maxLength`. */
  truncated: boolean;
  /** Medians over `runs` runs. */
  timing: { tokenizeMs: number; inferMs: number; runs: number };
}
