/** Returns the element with this id. */
export const byId = (id) => document.getElementById(id);

/** Copies the template's only element. Returns the copy and its `data-part` elements by name. */
export function clone(templateId) {
  const element = byId(templateId).content.firstElementChild.cloneNode(true);
  const parts = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  return { element, parts };
}

/** Sets the text only if it changes, so that screen readers do not repeat a live region. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces the children with one line per text. */
export function setLines(element, texts, className = "") {
  element.replaceChildren(
    ...texts.map((text) => {
      const line = document.createElement("span");
      line.className = `line ${className}`;
      line.textContent = text;
      return line;
    }),
  );
}

/** Announces `text` to screen readers, in place of the previous announcement. */
export function announce(text) {
  setText(byId("announcement"), text);
}
