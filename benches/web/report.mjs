// Formats the results as text.

import { batchGain, bestOfOrt, loadingShare, rows } from "./derive.mjs";
import { NAMES } from "./models.mjs";
import { median } from "./stats.js";
import { reportThreads } from "./report-threads.mjs";
import { number, table } from "./table.mjs";
import { judge } from "./targets.mjs";

/** Returns a report of everything that was measured. */
export function report(results) {
  const { versions, processor, date, quick } = results;
  const litert = versions["LiteRT.js"] ? `LiteRT.js ${versions["LiteRT.js"]}, ` : "";
  const sections = results.hosts.flatMap((host) => [hostLine(host), ...Object.keys(host.models).map((model) => lengths(results, host, model))]);
  return `${[
    `bert8 ${versions.bert8}, onnxruntime-web (ORT-web) ${versions["onnxruntime-web"]}, ${litert}${versions.browser}, one thread each${results.threads ? " unless stated" : ""}`,
    `${processor}, ${date.slice(0, 10)}${quick ? ", a quick run" : ""}. Medians in milliseconds.`,
    "",
    sections.join("\n\n"),
    "",
    ...(results.threads ? [reportThreads(results), ""] : []),
    targets(results),
  ].join("\n")}\n`;
}

function hostLine({ title, args, peaks }) {
  const found = Object.entries(peaks).filter(([, peak]) => peak !== null).map(([kind, peak]) => `${kind} ${peak.toFixed(1)}`);
  return `# ${title}${args.length ? ` (${args.join(" ")})` : ""}\npeaks in GMAC/s: ${found.join(", ")}`;
}

function lengths(results, host, model) {
  const { infos, batches, loading } = host.models[model];
  const names = Object.values(NAMES).filter((name) => name in infos);
  const ratios = [
    ["ORT-web INT8 / ours", "ort"],
    ...(NAMES.LITERT_INT8 in infos ? [["LiteRT INT8 / ours", "litert"]] : []),
    ["our FP32 / INT8", "fp32"],
    ["ORT-web FP32 / ours", "baseline"],
  ];
  const head = ["tokens", ...names, ...ratios.map(([title]) => title), "of peak"];
  const cells = rows(results, host, model).map((row) => [
    String(row.tokens),
    ...names.map((name) => number(row.ms[name], 1)),
    ...ratios.map(([, figure]) => number(row[figure], 2)),
    row.share === null ? "-" : `${(row.share * 100).toFixed(0)} %`,
  ]);
  const lines = Object.values(batches).map((batch) => {
    const each = (way) => (median(batch[way]) / batch.count).toFixed(2);
    const what = `${batch.count} pairs of ${batch.least} to ${batch.most} tokens`;
    return `${what}: ${each("batch")} per pair as a batch, ${each("single")} one by one (${batchGain(batch).toFixed(2)})`;
  });
  if (loading) lines.push(loadingLine(loading));
  return [`${results.configs[model].title}, ${infos[NAMES.INT8].kernel}`, table(head, cells), ...lines].join("\n");
}

function loadingLine({ times, info }) {
  const ort = bestOfOrt((name) => times[name] && median(times[name]));
  const memory = `${(info.memoryBytes / 1e6).toFixed(0)} MB of memory for a file of ${(info.modelBytes / 1e6).toFixed(0)} MB`;
  const share = loadingShare({ times });
  return `load to first answer: ${median(times[NAMES.INT8]).toFixed(0)}, ORT-web ${number(ort, 0)} (${number(share, 2)}); ${memory}`;
}

function targets(results) {
  const cells = judge(results).map(({ name, target, value, verdict }) => [name, number(value, 2), target, verdict]);
  return table(["target", "found", "wanted", ""], cells);
}
