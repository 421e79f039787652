// @ts-check
// Says beside the button what is loading, how much and how long, and what a question waits for.

import { isWaiting } from "../answers/results.js";
import { models } from "../models/models.js";
import { byId, setText } from "../shared/dom.js";
import { duration, megabytes } from "../shared/format.js";
import { Estimate } from "../timing/estimate.js";

/** @import { LoadProgress } from "../../bert8.js" */

const estimate = new Estimate();

/** Shows the status from now on. */
export function setUpLoadStatus() {
  for (const type of ["change", "reloading"]) models.addEventListener(type, showLoadStatus);
}

/** Shows the status of the moment. */
export function showLoadStatus() {
  const { text, share } = status(isWaiting());
  byId("load").hidden = text === "";
  setText(byId("load-text"), text);
  byId("load-bar").hidden = share === undefined;
  if (share === null) byId("load-bar").removeAttribute("value");
  else byId("load-bar").value = share ?? 0;
}

/**
 * Returns the words, and the share that is loaded: null if it is unknown, undefined without a download.
 * @param {boolean} waits
 * @returns {{ text: string, share?: number | null }}
 */
function status(waits) {
  if (models.reloading) return { text: `Loading again: ${progressText(models.reloading)}`, share: models.reloading.share };
  const loading = models.all.find(({ state }) => state === "loading");
  const failed = models.all.find(({ state }) => state === "failed");
  if (!loading) {
    const alone = models.ready.length === 0;
    return { text: failed && alone ? `${models.nameOf(failed)} could not be loaded. The reason is below.` : "" };
  }
  const { progress } = loading;
  const name = models.nameOf(loading);
  const what = progress ? `Loading ${name}: ${progressText(progress)}` : `Loading ${name}`;
  return { text: waits ? `The answer follows. ${what}` : what, share: progress?.share ?? null };
}

/** @param {LoadProgress} progress */
function progressText({ stage, all: { loaded, total } }) {
  if (stage === "prepare") return "preparing";
  estimate.note(loaded, performance.now());
  if (total === null) return `${megabytes(loaded)} MB so far`;
  const left = estimate.left(total);
  return `${megabytes(loaded)} of ${megabytes(total)} MB${left === null ? "" : `, ${duration(left)} left`}`;
}
