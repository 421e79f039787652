// @ts-check
import { BACKENDS, isSupported } from "../../backend.js";

/** @import { Settings } from "./model.js" */

const NAMES = { "relaxed-simd": "Relaxed SIMD", simd128: "SIMD128" };

/**
 * Fills the select with the backends. Calls `onChange` with the name of the backend that the user picks.
 * @param {HTMLSelectElement} select
 * @param {(backend: Settings["backend"]) => void} onChange
 */
export function setUpBackendPicker(select, onChange) {
  select.add(new Option("Auto", "auto"));
  for (const backend of BACKENDS) {
    const supported = isSupported(backend);
    const option = new Option(supported ? NAMES[backend] : `${NAMES[backend]} (not in this browser)`, backend);
    option.disabled = !supported;
    select.add(option);
  }
  select.addEventListener("change", () => onChange(/** @type {Settings["backend"]} */ (select.value)));
}
