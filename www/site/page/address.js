import { BACKENDS, isSupported } from "../backend.js";
import { MAX_THREADS } from "./thread-picker.js";

const FILES = ["int8", "fp32", "tokenizer"];

/**
 * Reads the settings in the page's address: `?model=ID&int8=URL&fp32=URL&tokenizer=URL&backend=NAME&threads=N`, each optional.
 * `demo` is the demo that `model` names, `files` are its files or those that the address names instead, and `own` is whether
 * the address names any. An invalid setting is replaced by its default and described in `problems`.
 */
export function readAddress(address, demos) {
  const query = new URL(address).searchParams;
  const settings = { demo: demos[0], files: {}, own: false, backend: "auto", threads: "auto", problems: [] };
  if (query.has("model")) {
    const named = demos.find(({ id }) => id === query.get("model"));
    if (named) settings.demo = named;
    else settings.problems.push(`The model “${query.get("model")}” in this page's address is unknown, so “${demos[0].name}” is used instead.`);
  }
  for (const name of FILES) {
    settings.files[name] = settings.demo[name];
    if (!query.has(name)) continue;
    const url = URL.canParse(query.get(name), address) && new URL(query.get(name), address);
    if (url && url.origin === new URL(address).origin) {
      settings.files[name] = url.pathname + url.search;
      settings.own = true;
    } else settings.problems.push(`“${name}” in this page's address is not a file on this site, so ${settings.demo[name]} is used instead.`);
  }
  if (query.has("backend")) {
    const wanted = query.get("backend");
    const known = wanted === "auto" || BACKENDS.includes(wanted);
    if (known && (wanted === "auto" || isSupported(wanted))) settings.backend = wanted;
    else settings.problems.push(`The backend “${wanted}” in this page's address is ${known ? "not supported by this browser" : "unknown"}, so the fastest supported backend is used instead.`);
  }
  if (query.has("threads")) {
    const wanted = query.get("threads");
    const count = /^\d+$/.test(wanted) ? Number(wanted) : 0;
    if (count >= 1 && count <= MAX_THREADS) settings.threads = count;
    else if (wanted !== "auto") {
      settings.problems.push(`“${wanted}” in this page's address is not a number of threads from 1 to ${MAX_THREADS}, so the page chooses it.`);
    }
  }
  return settings;
}

/** Returns the address with this demo instead of the model or files that it names. The first demo needs no name. */
export function addressOf(demo, demos, address) {
  const url = new URL(address);
  for (const name of ["model", ...FILES]) url.searchParams.delete(name);
  if (demo !== demos[0]) url.searchParams.set("model", demo.id);
  return url.href;
}
