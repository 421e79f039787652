// @ts-check
// Takes the visitor's data: a file that is dropped or picked, or the examples. Everything else is loaded when there is some.

/** @import { Evaluation } from "./evaluation.js" */

import { byId } from "../shared/dom.js";
import { addTaker } from "../shared/drop.js";
import { isData } from "../shared/paths.js";

/** Sets the section up. */
export function setUpData() {
  const [drop, input, view] = ["data-drop", "data-file", "data-view"].map(byId);
  /** @type {Promise<Evaluation> | undefined} */
  let evaluation;
  const open = async () => {
    try {
      evaluation ??= import("./evaluation.js").then(({ Evaluation }) => new Evaluation(view));
      return await evaluation;
    } catch {
      evaluation = undefined;
      view.textContent = "The scripts for your own data could not be loaded. Check the connection, then try again.";
    }
  };
  const take = async (/** @type {File[]} */ files) => {
    if (files.length > 0) (await open())?.take(files);
  };

  byId("data-choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // so that the same file can be picked again
  });
  byId("data-examples").addEventListener("click", async () => (await open())?.takeExamples());
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  // Here, every file is data; elsewhere on the page, its name decides.
  drop.addEventListener("drop", (/** @type {DragEvent} */ event) => {
    drop.classList.remove("over");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    take([...event.dataTransfer.files]);
  });
  addTaker((found) => {
    const all = found.length > 0 && found.every(({ path }) => isData(path));
    if (all) take(found.map(({ file }) => file)).then(() => byId("data").scrollIntoView({ block: "nearest" }));
    return all;
  });
}
