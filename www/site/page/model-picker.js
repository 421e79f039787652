/** Calls `onChange` with the demo that the user picks in the select. */
export function setUpModelPicker(select, demos, onChange) {
  select.addEventListener("change", () => {
    const picked = demos.find(({ id }) => id === select.value);
    if (picked) onChange(picked);
  });
}

/** Shows which demo is on the page. Files that the address names are one more entry, for as long as they are on the page. */
export function showPicked(select, demos, { demo, own }) {
  const options = demos.map(({ id, name }) => new Option(name, id));
  if (own) options.push(new Option("Files in this page's address", ""));
  select.replaceChildren(...options);
  select.value = own ? "" : demo.id;
  select.disabled = options.length < 2;
}
