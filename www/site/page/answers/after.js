// @ts-check
// What can be done with answers: measure again, and copy them as text.

import { byId } from "../shared/dom.js";
import { comparisonText } from "./copy-text.js";
import { ask, lastQuestion } from "./results.js";
import { lastOutcome } from "./summary.js";

/** Sets up the buttons below the answers. */
export function setUpAfter() {
  byId("again").addEventListener("click", () => {
    const question = lastQuestion();
    if (question) ask({ ...question });
  });
  byId("copy").addEventListener("click", copy);
}

/** Copies the answers. Where the browser forbids that, shows them to be copied by hand. */
async function copy() {
  const outcome = lastOutcome();
  if (!outcome) return;
  const text = comparisonText(outcome, { date: new Date(), browser: navigator.userAgent });
  const box = byId("copy-text");
  try {
    await navigator.clipboard.writeText(text);
    box.hidden = true;
    byId("copied").textContent = "Copied";
  } catch {
    byId("copied").textContent = "This browser does not allow the page to copy. Copy the text yourself:";
    box.hidden = false;
    box.value = text;
    box.select();
  }
}
