const HEADER = "label\tsentence1\tsentence2\tkind";
const OPTION_LENGTH = 72;

/** Downloads the examples. Resolves to an array of `{ sameMeaning, a, b, kind }`. */
export async function fetchExamples(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return parseExamples(await response.text());
}

function parseExamples(text) {
  const [header, ...lines] = text.split(/\r?\n/).filter((line) => line !== "");
  if (header !== HEADER) throw new Error(`the examples do not start with the header ${JSON.stringify(HEADER)}`);
  return lines.map((line) => {
    const [label, a, b, kind] = line.split("\t");
    return { sameMeaning: label === "1", a, b, kind };
  });
}

/** Fills the select with the examples, one group per kind. Calls `onPick` with the example that the user picks. */
export function setUpExamplePicker(select, examples, onPick) {
  select.replaceChildren(new Option("Choose an example…", ""));
  for (const [kind, members] of groupByKind(examples)) {
    const group = document.createElement("optgroup");
    group.label = kind.charAt(0).toUpperCase() + kind.slice(1);
    group.append(...members.map((example) => new Option(shorten(example.a), examples.indexOf(example))));
    select.append(group);
  }
  select.addEventListener("change", () => {
    if (select.value !== "") onPick(examples[Number(select.value)]);
  });
  select.disabled = false;
}

/** Returns the example with these two sentences, in either order, if any. */
export function findExample(examples, a, b) {
  return examples.find((example) => (example.a === a && example.b === b) || (example.a === b && example.b === a));
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
