// The benchmark: node run.mjs [--quick] [--threads N] [--publish] [--browser NAME] [--litert DIR]. ./build.sh bench builds what
// it needs and runs it.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "../../tools/web/chromium.mjs";
import { drive } from "./driver.mjs";
import { measureHost } from "./host.mjs";
import { tfliteFiles } from "./litert.mjs";
import { NAMES, models } from "./models.mjs";
import { readOptions } from "./options.mjs";
import { latencyPlot, peakPlot, threadsPlot } from "./plots.mjs";
import { report } from "./report.mjs";
import { startServer } from "./server.mjs";
import { measuredLengths, plan } from "./settings.mjs";
import { measureThreads } from "./threads.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = join(ROOT, "build/bench");
const ORT = fileURLToPath(new URL("node_modules/onnxruntime-web", import.meta.url));
const LITERT = fileURLToPath(new URL("node_modules/@litertjs", import.meta.url));

/** Returns the options, the plan of the run and the files of LiteRT.js. Ends the program if it cannot run so. */
function prepare() {
  try {
    const options = readOptions(process.argv.slice(2), cpus().length);
    const chosen = plan(options);
    const tflite = options.litert === undefined ? { files: {}, missing: [] } : tfliteFiles(options.litert, measuredLengths(chosen));
    return { options, chosen, tflite };
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(2);
  }
}

const { options, chosen, tflite } = prepare();

const inChromium = options.browser === "chromium";
const start = Date.now();
const say = (line) => console.error(`${((Date.now() - start) / 1000).toFixed(0).padStart(5)} s  ${line}`);

/** Resolves to the results so far and the error that ended the measurement early, if any. */
async function measure() {
  const found = models(ROOT, tflite.files);
  if (tflite.missing.length) say(`LiteRT.js is measured without ${tflite.missing.join(", ")}, which ${options.litert} does not have`);
  const configs = Object.fromEntries(Object.entries(found).map(([name, { title, config }]) => [name, { title, ...config }]));
  const results = { date: new Date().toISOString(), quick: options.quick, processor: cpus()[0].model, configs, hosts: [] };
  const bench = fileURLToPath(new URL(".", import.meta.url));
  const folders = { bench, bert8: join(ROOT, "dist"), build: join(ROOT, "build"), ort: join(ORT, "dist"), litert: LITERT };
  const server = await startServer({ ...folders, ...(options.litert !== undefined && { tflite: options.litert }) });
  let browser;
  try {
    for (const host of chosen.hosts) {
      browser = inChromium ? await launch(host.args) : drive(options.browser, server);
      results.versions = versions(browser);
      results.hosts.push(await measureHost({ browser, origin: server.origin, host, models: found, plan: chosen, say }));
      await browser.close();
    }
    if (options.threads > 1) {
      browser = inChromium ? await launch([]) : drive(options.browser, server);
      results.threads = await measureThreads({ browser, origin: server.origin, models: found, plan: chosen, say });
    }
  } catch (error) {
    return { results, error };
  } finally {
    await browser?.close();
    server.close();
  }
  return { results };
}

function versions(browser) {
  const bert8 = execFileSync(join(ROOT, "target/release/bert8"), ["--version"], { encoding: "utf8" }).trim();
  const versionOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
  return {
    bert8: bert8.replace(/^bert8 /, ""),
    "onnxruntime-web": versionOf(ORT),
    ...(options.litert !== undefined && { "LiteRT.js": versionOf(join(LITERT, "core")) }),
    browser: nameOf(browser),
  };
}

/** Returns a browser's name and version. Playwright's is Chromium and has only a version. */
const nameOf = (browser) => (inChromium ? `Chromium ${browser.version()}` : browser.version().trim());

const { results, error } = await measure();
if (results.hosts.length) {
  const files = {
    "results.json": `${JSON.stringify(results, null, 1)}\n`,
    "results.txt": report(results),
    "latency.svg": latencyPlot(results),
    "peak.svg": peakPlot(results),
    ...(results.threads && { "threads.svg": threadsPlot(results) }),
  };
  const inside = inChromium ? "." : options.browser;
  write(join(OUT, inside), files);
  if (options.publish && !error) write(join(ROOT, "docs/bench", folderOf(results), inside), files);
  console.log(files["results.txt"]);
  console.error(`wrote ${Object.keys(files).join(", ")} to ${join("build/bench", inside)}`);
}
if (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}

/** Returns a folder name: the processor's, and whether INT8 ran on its byte dot product. */
function folderOf({ processor, hosts }) {
  const words = processor.toLowerCase().replace(/\((r|tm)\)/g, "").match(/[a-z0-9]+/g);
  const { kernel } = Object.values(hosts[0].models)[0].infos[NAMES.INT8];
  return [...words, ...(kernel.startsWith("relaxed-dot") ? ["byte", "dot"] : [])].join("-");
}

function write(folder, files) {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
}
