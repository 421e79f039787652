const OPTION_LENGTH = 72;

/** Downloads labelled examples of one text or two. Resolves to an array of `{ label, texts, kind }`. */
export async function fetchExamples(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return parseExamples(await response.text());
}

function parseExamples(text) {
  const [header, ...rows] = text.split(/\r?\n/).filter((line) => line !== "").map((line) => line.split("\t"));
  const [label, kind, first, second] = ["label", "kind", "sentence1", "sentence2"].map((name) => header.indexOf(name));
  const columns = first >= 0 && second >= 0 ? [first, second] : [header.indexOf("text")];
  if ([label, kind, ...columns].includes(-1)) {
    throw new Error("the examples need the columns label, kind, and either text or sentence1 and sentence2");
  }
  return rows.map((row) => ({ label: Number(row[label]), texts: columns.map((column) => row[column]), kind: row[kind] }));
}

/** Calls `onPick` with the value of the option that the user picks in the select of examples, if it is an example. */
export function setUpExamplePicker(select, onPick) {
  select.addEventListener("change", () => {
    if (select.value !== "") onPick(Number(select.value));
  });
}

/** Fills the select with the examples, one group per kind. The value of an option is the example's index. */
export function showExamples(select, examples) {
  select.replaceChildren(new Option("Choose an example…", ""));
  for (const [kind, members] of groupByKind(examples)) {
    const group = document.createElement("optgroup");
    group.label = kind.charAt(0).toUpperCase() + kind.slice(1);
    group.append(...members.map((example) => new Option(shorten(example.texts[0]), examples.indexOf(example))));
    select.append(group);
  }
  select.disabled = false;
}

/** Shows `text` in place of the examples. */
export function showNoExamples(select, text) {
  select.replaceChildren(new Option(text, ""));
  select.disabled = true;
}

/** Returns the example with these texts, in either order, if any. */
export function findExample(examples, texts) {
  const same = (a, b) => a.length === b.length && a.every((text, i) => text === b[i]);
  return examples.find((example) => same(example.texts, texts) || same([...example.texts].reverse(), texts));
}

function groupByKind(examples) {
  const groups = new Map();
  for (const example of examples) {
    if (!groups.has(example.kind)) groups.set(example.kind, []);
    groups.get(example.kind).push(example);
  }
  return groups;
}

function shorten(text) {
  return text.length <= OPTION_LENGTH ? text : `${text.slice(0, OPTION_LENGTH - 1).trimEnd()}…`;
}
