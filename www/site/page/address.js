import { BACKENDS, isSupported } from "../backend.js";

const FILES = {
  int8: "models/model.int8.onnx",
  fp32: "models/model.fp32.onnx",
  tokenizer: "models/tokenizer.json",
};

/**
 * Reads the settings in the page's address: `?int8=URL&fp32=URL&tokenizer=URL&backend=NAME`, each optional.
 * An invalid setting is replaced by its default and described in `problems`. `otherModels` is whether any file is not the
 * page's own.
 */
export function readAddress(address) {
  const query = new URL(address).searchParams;
  const settings = { ...FILES, backend: "auto", otherModels: false, problems: [] };
  for (const name of Object.keys(FILES).filter((name) => query.has(name))) {
    const url = URL.canParse(query.get(name), address) && new URL(query.get(name), address);
    if (url && url.origin === new URL(address).origin) {
      settings[name] = url.pathname + url.search;
      settings.otherModels = true;
    } else settings.problems.push(`“${name}” in this page's address is not a file on this site, so ${FILES[name]} is used instead.`);
  }
  if (query.has("backend")) {
    const wanted = query.get("backend");
    const known = wanted === "auto" || BACKENDS.includes(wanted);
    if (known && (wanted === "auto" || isSupported(wanted))) settings.backend = wanted;
    else settings.problems.push(`The backend “${wanted}” in this page's address is ${known ? "not supported by this browser" : "unknown"}, so the fastest supported backend is used instead.`);
  }
  return settings;
}
