/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A copy of the template's only element, and its `data-part` elements by name. */
export function clone(templateId) {
  const element = byId(templateId).content.firstElementChild.cloneNode(true);
  const parts = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  return { element, parts };
}

/** Sets text only where it differs, so that live regions do not repeat themselves. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces the children by one line per text. */
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

/** Tells screen readers, politely; what was said before is no longer true. */
export function announce(text) {
  setText(byId("announcement"), text);
}
