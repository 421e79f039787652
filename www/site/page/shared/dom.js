// @ts-check

/**
 * Returns the element with this id, which the page has.
 * @param {string} id
 * @returns {any} of the type that index.html says
 */
export const byId = (id) => document.getElementById(id);

/**
 * Copies the template's only element. Returns the copy and its `data-part` elements by name.
 * @param {string} templateId
 * @returns {{ element: HTMLElement, parts: Record<string, any> }}
 */
export function clone(templateId) {
  const element = byId(templateId).content.firstElementChild.cloneNode(true);
  const parts = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  return { element, parts };
}

/**
 * Sets the text only if it changes, so that screen readers do not repeat a live region.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Replaces the children with one line per text.
 * @param {Element} element
 * @param {string[]} texts
 */
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

/**
 * Announces `text` to screen readers, in place of the previous announcement.
 * @param {string} text
 */
export function announce(text) {
  setText(byId("announcement"), text);
}
