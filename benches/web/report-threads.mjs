// Formats the results by number of threads as text.

import { byThreads, litertRatio, ortRatio, serialShare, threadRows } from "./derive-threads.mjs";
import { NAMES } from "./models.mjs";
import { BATCHES } from "./settings.mjs";
import { number, table } from "./table.mjs";

/** Returns the part of the report about threads. */
export function reportThreads({ threads, configs }) {
  const sections = Object.entries(threads.models).flatMap(([model, { rounds, batches, loading }]) => {
    const title = configs[model].title;
    const lengths = Object.keys(rounds).map((tokens) => length(threads, model, title, tokens));
    const { count, least, most } = BATCHES.mixed;
    const lines = [
      [`${count} pairs of ${least} to ${most} tokens as a batch`, batches],
      ["load to first answer", loading],
    ].map(([what, times]) => `${title}, ${what}: ${byCount(byThreads(times, NAMES.INT8, threads.counts))}`);
    return [...lengths, lines.join("\n")];
  });
  return ["# by number of threads", ...sections].join("\n\n");
}

function length(threads, model, title, tokens) {
  const cells = threadRows(threads, model, tokens).map(({ name, threads: count, ms, speedup, efficiency }) => [
    name,
    String(count),
    number(ms, 1),
    number(speedup, 2),
    `${(100 * efficiency).toFixed(0)} %`,
  ]);
  const times = threads.models[model].rounds[tokens];
  const share = (name) => `${(100 * serialShare(byThreads(times, name, threads.counts))).toFixed(1)} %`;
  const ratios = (what, ratioOn) => {
    const found = threads.counts.map((count) => [count, ratioOn(times, count)]).filter(([, ratio]) => ratio !== null);
    return found.length ? [`${what}: ${found.map(([count, ratio]) => `${ratio.toFixed(2)} on ${count}`).join(", ")}`] : [];
  };
  return [
    `${title}, ${tokens} tokens`,
    table(["contender", "threads", "ms", "speedup", "efficiency"], cells),
    `serial share: bert8 INT8 ${share(NAMES.INT8)}, bert8 FP32 ${share(NAMES.FP32)}`,
    ...ratios("ORT-web's best INT8 / ours", ortRatio),
    ...ratios("LiteRT INT8 / ours", litertRatio),
  ].join("\n");
}

/** Describes times in milliseconds by number of threads. */
function byCount(times) {
  return Object.entries(times)
    .map(([count, ms]) => `${ms.toFixed(0)} on ${count}${count === "1" ? "" : ` (${(times[1] / ms).toFixed(2)})`}`)
    .join(", ");
}
