/// <reference lib="esnext.disposable" />

/**
 * Classifies texts and pairs of texts with a model of the BERT family that runs in a Web Worker. The texts never leave the
 * browser.
 *
 * ```js
 * import { load } from "bert8";
 *
 * const classifier = await load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" });
 * const answer = await classifier.classify("How old are you?", "What is your age?");
 * if (answer.problem === "single-label") console.log(answer.label, answer.probabilities[answer.labelId]);
 * ```
 */

/** The name of a WebAssembly build: one uses relaxed SIMD, the other only SIMD128. */
export type Backend = "relaxed-simd" | "simd128";

/**
 * A URL, or the bytes of a file: any buffer, also a shared one, any view of it, a Blob, a File or a Response. A relative URL is resolved
 * against the document's base URL, or against the location of the worker that calls {@link load}; elsewhere, as in Node, a URL must be
 * absolute. Bytes are copied. Objects may come from another realm, such as a frame.
 */
export type Source = string | URL | ArrayBufferLike | ArrayBufferView | Blob | Response;

/** The options of {@link load}. */
export interface LoadOptions extends LoadSettings {
  /** An ONNX file of a BERT sequence classifier: one that bert8 has made (FP32 or INT8) or another export. Less than 4 GiB. */
  model: Source;

  /** The `tokenizer.json` (Hugging Face) that belongs to the model. */
  tokenizer: Source;

  /**
   * The hashes that the files must have: `sha256-` and the SHA-256 in base64, as in
   * [Subresource Integrity](https://www.w3.org/TR/sri-2/). A string is that of the model. {@link load} rejects a file with another
   * hash. In Bash, `echo sha256-$(openssl dgst -sha256 -binary FILE | base64 -w0)` prints it.
   */
  integrity?: string | { model?: string; tokenizer?: string };

  /**
   * The sizes that the files must have, in bytes. A number is that of the model. The progress then has a total from the start, also if
   * the server compresses the files, and a file of another size is rejected.
   */
  size?: number | { model?: number; tokenizer?: number };
}

/** The options of {@link load} that do not say what to load. */
export interface LoadSettings {
  /**
   * Whether to keep downloaded files in the browser's Cache Storage, under their URLs and hashes; false by default. A file whose
   * hash is known is then downloaded once, and later loads send no request for it. For any other file, a request asks whether the
   * server still has this version. Loads of the same file at the same time share one download. If the browser has no room or forbids
   * it, the file is downloaded each time. See {@link cache}.
   */
  cache?: boolean;

  /**
   * For how many milliseconds a download may stand still before it counts as failed; 30,000 by default.
   */
  stallMs?: number;

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
   * The number of threads that compute an answer together: "auto" or a whole number from 1 to 64, which the number of cores does
   * not limit. "auto", the default, is half of the cores, but at least 2 and at most 4; on one core it is 1. The answers are the
   * same with any number.
   *
   * Several threads need a page that is cross-origin isolated: it is served with the headers
   * `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`, and so are its worker scripts. On
   * any other page one thread computes everything; {@link ClassifierInfo.threads} says so.
   */
  threads?: "auto" | number;

  /**
   * The worker that the model runs in: the URL of its script, or a function that starts it and returns it. By default it is the
   * `worker.js` beside the script that calls {@link load}, which Vite, webpack and Next.js find and bundle. It is necessary where a
   * bundler does not, such as esbuild: copy the package's folder to your site and pass the URL of the `worker.js` in it.
   *
   * A script of another origin is loaded with CORS, in a worker that the page's Content Security Policy must allow (`blob:`).
   */
  worker?: string | URL | (() => Worker);

  /**
   * The WebAssembly module, instead of the one beside the package's scripts: compiled, its bytes or its URL. It must be one of
   * this package's own two, `bert8/relaxed.wasm` or `bert8/simd128.wasm`, of the same version.
   */
  module?: WebAssembly.Module | Source;

  /**
   * The maximum length of an input in tokens, special tokens included. Longer inputs are truncated; of a pair, the longer text
   * first. A whole number that leaves room for at least one token besides the special ones: for BERT, 3 or more for one text and
   * 4 or more for a pair. The default is the model's limit; a larger number has the same effect.
   */
  maxLength?: number;

  /**
   * The smallest probability at which a label of a multi-label model applies: a number from 0 to 1, 0.5 by default. {@link load}
   * rejects it for other models.
   */
  threshold?: number;

  /**
   * Whether a classifier goes on after a crash; true by default. If its WebAssembly code crashes or runs out of memory, the calls
   * that it was computing reject, and the next call loads the model again, in a new worker: from where it came from, or from the
   * cache. Files that were given as bytes are kept as a `Blob` for that. Also, a worker that goes on for 5 seconds with a call that was
   * withdrawn is ended. If it is false, every later call rejects.
   */
  restart?: boolean;

  /** Cancels loading. The promise then rejects with the signal's reason. */
  signal?: AbortSignal;

  /** Called while the files are downloaded, about every 250 milliseconds, and once before the model is prepared. */
  onProgress?: (progress: LoadProgress) => void;
}

/** How far {@link load} is. The files are downloaded at the same time, so their reports alternate. */
export interface LoadProgress {
  /** "download" for each file that is given by its URL; then "prepare", once, for the model. */
  stage: "download" | "prepare";

  /** The file that the report is about. "program" is the WebAssembly build. */
  file: "model" | "tokenizer" | "program";

  /** The number of bytes received so far, after decompression except for the program; in the stage "prepare" the file's size. */
  loaded: number;

  /**
   * The file's size in bytes; `null` if it is not known, for instance because the server compresses the file and
   * {@link LoadOptions.size} does not say it. Never below `loaded`.
   */
  total: number | null;

  /** The share of all files together that has arrived, from 0 to 1; `null` as long as a size is not known. */
  share: number | null;

  /** The bytes of all files together that have arrived, and their size in bytes; `null` as long as one is not known. */
  all: { loaded: number; total: number | null };
}

/**
 * Downloads a model and its tokenizer and prepares them in a new worker.
 *
 * A download that is cut off, stands still or meets a busy server is tried twice more. It goes on where it was cut off, if the
 * server answers requests for parts and names the version of the file (by a strong `ETag`, or by `Last-Modified`). If the file's hash
 * is known, no such name is needed, and compressed files go on too; parts that turn out not to belong together are replaced by the
 * whole file.
 *
 * If the module for relaxed SIMD is not deployed, "auto" uses the one for SIMD128.
 *
 * The promise rejects
 * - with a `TypeError` if an option is missing, unknown, or has a wrong type or range;
 * - with the signal's reason if `signal` aborts;
 * - with an `Error` otherwise: the browser does not support the backend, a download fails, a file is damaged or has
 *   another hash or size than `integrity` and `size` say, the two files do not belong together, the kernel is unknown, or `threshold` is given for a model that is not multi-label. The message names the file and says what to do.
 */
export function load(options: LoadOptions): Promise<Classifier>;

/**
 * Loads what a manifest names, as `bert8 manifest` writes it: a model, its tokenizer and their hashes. A URL that ends in "/" is that
 * of a folder with a `manifest.json`.
 *
 * ```js
 * const classifier = await load("https://example.com/models/paraphrase/", { cache: true });
 * ```
 *
 * The promise rejects as above, and with an `Error` that names the field if the manifest is not as it should be.
 */
export function load(manifest: string | URL, options?: LoadSettings): Promise<Classifier>;

/** The files that {@link load} has kept, because of {@link LoadSettings.cache}, for all pages of this origin. */
export declare const cache: {
  /** Lists them. */
  list(): Promise<CachedFile[]>;

  /** Deletes all versions of the file at `url`, or all files. Resolves to their number. */
  delete(url?: string | URL): Promise<number>;
};

/** A file that {@link load} has kept. */
export interface CachedFile {
  /** Where it came from. */
  url: string;

  /** The hash that it was checked against; `null` if none was given. */
  integrity: string | null;

  /** Its size. */
  bytes: number;

  /** When it was kept. */
  stored: Date;
}

/**
 * A loaded model, made by {@link load}. It has its own worker, which does one computation at a time, on its own threads. It is
 * frozen, and its methods work without `this`, so state libraries such as Vue's may hold it.
 *
 * The methods reject with a `TypeError` if an argument has a wrong type or range or an option is unknown, and with an `Error` after
 * {@link Classifier.dispose}. After a crash of the WebAssembly code, the calls that it was computing reject, and the next call loads
 * the model again (see {@link LoadSettings.restart}).
 */
export interface Classifier {
  /** Describes the loaded model. */
  readonly info: ClassifierInfo;

  /**
   * Classifies one text. Rejects with an `Error` if the model reads pairs; see {@link ClassifierInfo.texts}.
   */
  classify(text: string, options?: ClassifyOptions): Promise<Classification>;

  /** Classifies a pair of texts. Rejects with an `Error` if the model reads one text at a time. */
  classify(first: string, second: string, options?: ClassifyOptions): Promise<Classification>;

  /**
   * Classifies many texts or pairs, mixed if the model allows both; the results are in the order of `inputs`. An INT8 model runs
   * several together, without padding, which is faster than one {@link Classifier.classify} call for each if they are short.
   */
  classifyBatch(inputs: ReadonlyArray<TextInput>, options?: BatchOptions): Promise<Classification[]>;

  /**
   * Scores the pair of `query` and each of `texts` with a model that has exactly one output, such as a cross-encoder. Resolves to
   * the texts from the highest score to the lowest; texts of equal score keep their order. Rejects with an `Error` if the model
   * has more outputs or reads one text at a time.
   */
  rerank(query: string, texts: readonly string[], options?: BatchOptions): Promise<RankedText[]>;

  /** Ends the worker with its threads and frees their memory. Pending and later calls reject with an `Error`. Does nothing the second time. */
  dispose(): void;

  /** The same as {@link Classifier.dispose}, for `await using`. It only exists where the symbol does. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** One text, or a pair of texts. */
export type TextInput = string | readonly [first: string, second: string];

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

  /** How many threads compute an answer, and why. */
  readonly threads: Threads;

  /** The size of the model file in bytes. */
  readonly modelBytes: number;

  /** The size of the worker's WebAssembly memory in bytes, after loading. */
  readonly memoryBytes: number;

  /** The number of encoder layers. */
  readonly layers: number;

  /** The width of the hidden states. */
  readonly hidden: number;

  /** The maximum length of an input in tokens, special tokens included. Longer inputs are truncated. */
  readonly maxLength: number;

  /** The label names, by label id: one for each logit. */
  readonly labels: readonly string[];

  /** What the logits mean, and with that the kind of {@link Classification}. */
  readonly problem: Problem;

  /** How many texts the model reads at a time; `null` if the file does not tell, and {@link Classifier.classify} takes either. */
  readonly texts: "single" | "pair" | null;

  /** The threshold of a multi-label model (see {@link LoadOptions.threshold}); `null` for other models. */
  readonly threshold: number | null;

  /** How good the model was found to be; `null` if its file does not tell. */
  readonly accuracy: Accuracy | null;

  /** The time from the start of the downloads until the model was ready, in milliseconds. */
  readonly loadMs: number;
}

/** How good an INT8 model was found to be: by `bert8 quantize`, which compares it with FP32, or by `bert8 eval --write`. */
export interface Accuracy {
  /** The number of texts or pairs that it was measured on. */
  readonly rows: number;

  /** The hash of the file that they come from, in the notation of {@link LoadOptions.integrity}. */
  readonly data: string;

  /** Whether calibration did not see them; `null` if that is not known. */
  readonly unseen: boolean | null;

  /** The share of texts for which INT8 and FP32 decide the same, from 0 to 1; `null` for scores, or without a comparison. */
  readonly agreement: number | null;

  /** The signal to quantization noise ratio of the logits in decibels; `null` if they are equal, or without a comparison. */
  readonly sqnr: number | null;

  /** The most telling metric with its 95 % confidence interval; `null` if the texts had no labels. */
  readonly metric: { readonly name: string; readonly value: number; readonly interval: readonly [low: number, high: number] } | null;
}

/** How many threads compute an answer (see {@link LoadOptions.threads}), and why. */
export interface Threads {
  /** The number of threads at most. One that cannot start is left out: the others do its share. */
  readonly count: number;

  /**
   * Why there are so many: `null` if "auto" has chosen by the number of cores. "no shared memory" means that the WebAssembly build
   * was made without threads, and "inline" that there is no worker (`bert8/inline`).
   */
  readonly reason: "asked for" | "inline" | "not cross-origin isolated" | "one core" | "no shared memory" | null;
}

/** The options of every call. */
export interface CallOptions {
  /**
   * Withdraws the call. The promise rejects with the signal's reason at once. The worker does not begin a call that still waits;
   * {@link Classifier.classifyBatch} and {@link Classifier.rerank} stop after at most 32 more inputs.
   */
  signal?: AbortSignal;

  /**
   * Withdraws the call after so many milliseconds, the time it waits for others included: a finite number of at least 0. The
   * promise rejects with a `DOMException` named "TimeoutError". Without a worker (`bert8/inline`), a computation is not interrupted.
   */
  timeoutMs?: number;
}

/** The options of {@link Classifier.classify}: how often to repeat it for a stable timing. */
export interface ClassifyOptions extends CallOptions {
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

/** The options of {@link Classifier.classifyBatch} and {@link Classifier.rerank}. */
export interface BatchOptions extends CallOptions {
  /**
   * Called after every 32 inputs on an INT8 model and every 8 on an FP32 model, and at the end. If bert8 does not recognize the
   * model's structure, after every input.
   */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * What the logits of a model mean. In a single-label model, exactly one label applies. In a multi-label model, any number of
 * labels apply. In a regression model, the only logit is a score.
 */
export type Problem = "single-label" | "multi-label" | "regression";

/** The result for one input. `problem` tells the kinds apart. */
export type Classification = Decision | LabelSet | Score;

/** The result of a single-label model. */
export interface Decision extends Answer {
  problem: "single-label";

  /** The name of the label with the largest logit. */
  label: string;

  /** The id of that label, its index in {@link ClassifierInfo.labels}. */
  labelId: number;

  /** Empty. */
  labels: AppliedLabel[];

  /** The softmax of the logits: one number from 0 to 1 per label id. They add up to 1, up to rounding. */
  probabilities: number[];

  score: null;
}

/** The result of a multi-label model. */
export interface LabelSet extends Answer {
  problem: "multi-label";

  label: null;

  labelId: null;

  /** The labels whose probability is at or above the threshold, by id. */
  labels: AppliedLabel[];

  /** The sigmoid of each logit: one number from 0 to 1 per label id. */
  probabilities: number[];

  /** The only probability of a model with one label, as its score; `null` if there are more labels. */
  score: number | null;
}

/** The result of a regression model. */
export interface Score extends Answer {
  problem: "regression";

  label: null;

  labelId: null;

  /** Empty. */
  labels: AppliedLabel[];

  /** Empty. */
  probabilities: number[];

  /** The model's only logit, unchanged. */
  score: number;
}

/** A label that applies. */
export interface AppliedLabel {
  /** The label's id, its index in {@link ClassifierInfo.labels}. */
  id: number;

  /** The label's name. */
  name: string;

  /** The sigmoid of the label's logit. */
  probability: number;
}

/** A text that {@link Classifier.rerank} has scored. */
export interface RankedText extends Omit<Answer, "logits" | "unknown"> {
  /** The text's index in the array that was given. */
  index: number;

  /** The score of the query with this text: the logit of a regression model, or the sigmoid of the logit of a multi-label model. */
  score: number;

  /** The logit that the score comes from. It still tells texts apart whose scores are rounded to the same value. */
  logit: number;
}

/** What all kinds of results have. */
export interface Answer {
  /** The model's outputs, by label id. */
  logits: number[];

  /** The length of the input in tokens, special tokens included, after truncation. */
  tokens: number;

  /** How many of these tokens stand for words or characters that the tokenizer does not know. */
  unknown: number;

  /** Whether the input was longer than {@link ClassifierInfo.maxLength} and was truncated. */
  truncated: boolean;

  /** How long the computation took. */
  timing: Timing;
}

/** Times in milliseconds; the medians of `runs` runs. */
export interface Timing {
  /** From the texts to the token ids. */
  tokenizeMs: number;

  /** From the token ids to the logits. For an input of a batch: its share, by tokens, of the time of the inputs that ran together. */
  inferMs: number;

  /** The number of timed runs. */
  runs: number;
}
