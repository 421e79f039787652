// @ts-check
// The worker that holds a visitor's data and the models' answers, so that the page's own thread stays free. It receives
// { id, operation, args } and posts { id, result } or { id, error }.

/** @import { DataRow, Findings, Operations } from "./types.js" */

import { pickBackends } from "../../backend.js";
import { isCrash } from "../../crash.js";
import { makeMemory, startBuild } from "../../wasm.js";
import { AnswerTable } from "./answer-table.js";
import { plots } from "./plot-data.js";
import { writeRows, writeSummary } from "./write.js";

/** @typedef {InstanceType<Awaited<ReturnType<typeof startBuild>>["wasm"]["WasmDataset"]>} WasmDataset */

/** @type {ReturnType<typeof startBuild> | undefined} */
let started;
/** @type {WasmDataset | undefined} */
let dataset;
/** @type {AnswerTable | undefined} */
let table;
/** @type {Findings | undefined} */
let findings;

/**
 * @template T
 * @param {T | undefined} value
 * @returns {T}
 */
function present(value) {
  if (value === undefined) throw new Error("the data are no longer in memory; give the file again");
  return value;
}

/** @type {{ [Name in keyof Operations]: (args: Parameters<Operations[Name]>[0]) => ReturnType<Operations[Name]> | Promise<ReturnType<Operations[Name]>> }} */
const operations = {
  async read({ file, name, backend }) {
    started ??= startBuild(pickBackends(backend), undefined, makeMemory());
    started.catch(() => (started = undefined)); // the next file tries again
    const [{ wasm }, buffer] = await Promise.all([started, file.arrayBuffer()]);
    dataset?.free();
    dataset = table = findings = undefined;
    dataset = new wasm.WasmDataset(new Uint8Array(buffer), name);
    return dataset.summary;
  },

  choose({ info, names, choice }) {
    const model = `the ${Object.values(names)[0]} model`;
    const summary = present(dataset).choose(JSON.stringify({ ...info, model }), JSON.stringify(choice));
    table = new AnswerTable(info, names, summary.rows, (start, end) => present(dataset).rows(start, end));
    findings = undefined;
    return summary;
  },

  rows: ({ start, end }) => firstOf(present(dataset).rows(start, end)),

  answer({ answers }) {
    present(table).add(answers);
  },

  conclude({ skipped }) {
    const answers = present(table);
    const [ours, theirs] = answers.keys;
    const [rate, baseRate] = answers.keys.map((key) => answers.rate(key));
    const logits = answers.logits(ours);
    const report = present(dataset).evaluate(logits, rate, theirs && answers.logits(theirs), baseRate ?? 0, skipped);
    findings = {
      report,
      plots: plots(answers),
      speedup: answers.speedup(),
      truncated: answers.truncated,
      counts: answers.counts(),
    };
    return findings;
  },

  view: (view) => present(table).list(view),

  listed: ({ start, end }) => present(table).listed(start, end),

  write({ what }) {
    if (what === "summary.json" || what === "summary.csv") return writeSummary(present(findings).report, present(table).keys, what);
    return writeRows(present(table), what);
  },
};

/** How many characters are posted at once: texts may be long. */
const MOST_CHARACTERS = 500_000;

/**
 * Returns as many of the rows, from the first on, as the page takes without a pause: at least one.
 * @param {DataRow[]} rows
 */
function firstOf(rows) {
  let characters = 0;
  const end = rows.findIndex(({ texts }) => (characters += texts.join("").length) > MOST_CHARACTERS);
  return end < 0 ? rows : rows.slice(0, Math.max(end, 1));
}

onmessage = async ({ data: { id, operation, args } }) => {
  try {
    const run = /** @type {(args: any) => unknown} */ (operations[/** @type {keyof Operations} */ (operation)]);
    postMessage({ id, result: await run(args) });
  } catch (error) {
    const { message } = error instanceof Error ? error : { message: String(error) };
    const crashed = isCrash(error);
    postMessage({ id, error: crashed ? `${message}; the file may be too large for this browser's memory: split it, then try again` : message, crashed });
  }
};
