// What the worker of the data (worker.js) and the page say to each other.

import type { Classification, ClassifierInfo, Problem } from "../../bert8.js";

export type ModelKey = "int8" | "fp32";

/** What to call the models that are evaluated. */
export type Names = Partial<Record<ModelKey, string>>;

/** What is known of a model that is evaluated. */
export type ModelInfo = Pick<ClassifierInfo, "labels" | "problem" | "texts" | "threshold">;

/** Rows, and those that cannot be used. */
export interface Summary {
  texts: "single" | "pair";
  rows: number;
  labelled: number;
  /** How many rows cannot be used. */
  unusable: number;
  /** Why, for the first hundred of them. */
  reasons: string[];
}

/** Which rows to evaluate models on. */
export interface Choice {
  useLabels: boolean;
  /** The largest number of rows. */
  most: number;
}

/** The right answer: a class id, whether each label applies, or a score. */
export type Target = number | boolean[] | null;

/** A row of the file. */
export interface DataRow {
  line: number;
  texts: string[];
  /** The label as written. */
  label: string | null;
  target: Target;
}

/** What is kept of a model's answer. */
export interface Answer extends Pick<Classification, "logits" | "probabilities" | "labelId" | "tokens" | "truncated"> {
  /** The ids of the labels that apply, of a multi-label model. */
  labelIds: number[];
  inferMs: number;
  tokenizeMs: number;
}

/** The answers of the models to the same rows. */
export type Answers = Partial<Record<ModelKey, Answer[]>>;

/** An answer in words, with the probability or score that stands for it. */
export interface Shown {
  text: string;
  value: number;
  /** Whether it is the right answer; null if that is not known. */
  right: boolean | null;
  ms: number;
}

/** A row with the answers of the models. */
export interface AnsweredRow {
  /** Its place among the rows that were evaluated. */
  at: number;
  line: number;
  /** The texts, or the starts of long ones. */
  texts: string[];
  /** The right answer in words. */
  label: string;
  flip: boolean;
  tokens: number;
  int8?: Shown;
  fp32?: Shown;
}

export type Filter = "all" | "flips" | "int8-wrong" | "fp32-wrong" | "worse" | "better";
export type Order = "file" | "difference";

/** Which rows to list. */
export interface View {
  filter: Filter;
  order: Order;
  /** What a text must contain; all rows if it is empty. */
  search: string;
}

export type Interval = [low: number, high: number];

/** The metrics of the baseline, by name, with their intervals. */
export type Baseline = { rows_per_second: number; intervals: Record<string, Interval> } & Record<string, unknown>;

/** What `bert8 eval --json` prints: these fields, and one for each metric. */
export interface Report {
  rows: number;
  labelled: number;
  skipped: number;
  problem: Problem;
  rows_per_second: number;
  intervals: Record<string, Interval>;
  confusion?: number[][];
  agreement?: number | null;
  flips?: number | null;
  logit_max?: number;
  logit_rmse?: number;
  sqnr_db?: number | null;
  rank_correlation?: number | null;
  baseline?: Baseline;
  changes?: Record<string, { value: number; interval: Interval }>;
}

/** Points of a plot, as SVG paths in a square of SIZE units. */
export interface Scatter {
  /** The range of both axes. */
  low: number;
  high: number;
  same: string;
  flips: string;
  bins: { low: number; high: number; rows: number; median: number; least: number; most: number; flips: number }[];
}

export interface Bin {
  low: number;
  high: number;
  rows: number;
}

export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** The times of the rows of about the same length. */
export interface LengthBin extends Bin {
  int8?: Spread;
  fp32?: Spread;
}

export interface Plots {
  /** What the values are: the probability of a label, or a score. */
  value: string;
  scatter: Scatter | null;
  differences: Bin[] | null;
  latency: LengthBin[];
}

/** Everything that an evaluation found. */
export interface Findings {
  report: Report;
  plots: Plots;
  /** How many times as fast INT8 was, from the pairs of runs on the same row. */
  speedup: { ratio: number; low: number; high: number } | null;
  truncated: number;
  /** The number of rows that each filter lists. */
  counts: Record<Filter, number>;
}

export type Export = "summary.json" | "summary.csv" | "rows.json" | "rows.csv";

/** The operations of the worker, with their arguments and results. */
export interface Operations {
  /** `backend` names the WebAssembly build, which is best the one that the models have loaded. */
  read(args: { file: Blob; name: string; backend: string }): Summary;
  choose(args: { info: ModelInfo; names: Names; choice: Choice }): Summary;
  /** Returns the rows from `start` to before `end`, or fewer if their texts are long. */
  rows(args: { start: number; end: number }): DataRow[];
  answer(args: { answers: Answers }): void;
  conclude(args: { skipped: number }): Findings;
  view(args: View): number;
  listed(args: { start: number; end: number }): AnsweredRow[];
  write(args: { what: Export }): Blob;
}
