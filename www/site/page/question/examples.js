// @ts-check

/**
 * A text or a pair with the label that it should get.
 * @typedef {{ label: number, texts: [string] | [string, string], kind: string }} Example
 */

const OPTION_LENGTH = 72;

/**
 * Downloads labelled examples of one text or two.
 * @param {string} url
 * @returns {Promise<Example[]>}
 */
export async function fetchExamples(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return parseExamples(await response.text());
}

/** @param {string} text */
function parseExamples(text) {
  const [header, ...rows] = text.split(/\r?\n/).filter((line) => line !== "").map((line) => line.split("\t"));
  const [label, kind, first, second] = ["label", "kind", "sentence1", "sentence2"].map((name) => header.indexOf(name));
  const columns = first >= 0 && second >= 0 ? [first, second] : [header.indexOf("text")];
  if ([label, kind, ...columns].includes(-1)) {
    throw new Error("the examples need the columns label, kind, and either text or sentence1 and sentence2");
  }
  return rows.map((row) => ({ label: Number(row[label]), texts: /** @type {Example["texts"]} */ (columns.map((column) => row[column])), kind: row[kind] }));
}

/**
 * Calls `onPick` with the value of the option that the user picks in the select of examples, if it is an example.
 * @param {HTMLSelectElement} select
 * @param {(index: number) => void} onPick
 */
export function setUpExamplePicker(select, onPick) {
  select.addEventListener("change", () => {
    if (select.value !== "") onPick(Number(select.value));
  });
}

/**
 * Fills the select with the examples, one group per kind. The value of an option is the example's index.
 * @param {HTMLSelectElement} select
 * @param {Example[]} examples
 */
export function showExamples(select, examples) {
  select.replaceChildren(new Option("Choose an example…", ""));
  for (const [kind, members] of groupByKind(examples)) {
    const group = document.createElement("optgroup");
    group.label = kind.charAt(0).toUpperCase() + kind.slice(1);
    group.append(...members.map((example) => new Option(shorten(example.texts[0]), String(examples.indexOf(example)))));
    select.append(group);
  }
  select.disabled = false;
}

/**
 * Shows `text` in place of the examples.
 * @param {HTMLSelectElement} select
 * @param {string} text
 */
export function showNoExamples(select, text) {
  select.replaceChildren(new Option(text, ""));
  select.disabled = true;
}

/**
 * Returns the example with these texts, in either order, if any.
 * @param {Example[]} examples
 * @param {string[]} texts
 */
export function findExample(examples, texts) {
  const same = (/** @type {string[]} */ a, /** @type {string[]} */ b) => a.length === b.length && a.every((text, i) => text === b[i]);
  return examples.find((example) => same(example.texts, texts) || same([...example.texts].reverse(), texts));
}

/**
 * @param {Example[]} examples
 * @returns {Map<string, Example[]>}
 */
function groupByKind(examples) {
  const groups = new Map();
  for (const example of examples) groups.set(example.kind, [...(groups.get(example.kind) ?? []), example]);
  return groups;
}

/** @param {string} text */
function shorten(text) {
  return text.length <= OPTION_LENGTH ? text : `${text.slice(0, OPTION_LENGTH - 1).trimEnd()}…`;
}
