// @ts-check

/** @import { Demo } from "./demos.js" */
/** @import { Choice } from "./models.js" */

/**
 * Calls `onChange` with the demo that the user picks in the select.
 * @param {HTMLSelectElement} select
 * @param {Demo[]} demos
 * @param {(demo: Demo) => void} onChange
 */
export function setUpModelPicker(select, demos, onChange) {
  select.addEventListener("change", () => {
    const picked = demos.find(({ id }) => id === select.value);
    if (picked) onChange(picked);
  });
}

/**
 * Shows what is on the page. Models that the visitor brings are one more entry, for as long as they are there.
 * @param {HTMLSelectElement} select
 * @param {Demo[]} demos
 * @param {Choice} choice
 */
export function showPicked(select, demos, { demo, sources }) {
  const options = demos.map(({ id, name }) => new Option(name, id));
  const names = Object.values(sources).map(({ name }) => name);
  if (!demo) options.push(new Option(`Your own: ${names.join(" and ")}`, ""));
  select.replaceChildren(...options);
  select.value = demo?.id ?? "";
  select.disabled = options.length < 2;
}
