// @ts-check
// Draws the HTML report in a frame that runs no scripts.

import { element } from "../shared/element.js";

/**
 * Returns a frame with the report. The page's Content Security Policy, which the frame has too, forbids styles in documents, so this
 * script applies them. In the report, what looks like a style is one: its texts have no quotes and no angle brackets.
 * @param {string} html
 * @param {string} title
 */
export function reportFrame(html, title) {
  /** @type {string[]} */
  const css = [];
  const plain = html
    .replace(/<style>([^]*?)<\/style>/g, (_, text) => (css.push(text), ""))
    .replaceAll(' style="', ' data-style="');
  const frame = element("iframe", { title, sandbox: "allow-same-origin", srcdoc: plain });
  frame.addEventListener("load", () => {
    const { contentDocument, contentWindow } = frame;
    if (!contentDocument || !contentWindow) return;
    const { CSSStyleSheet } = /** @type {typeof globalThis} */ (/** @type {unknown} */ (contentWindow));
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css.join("\n"));
    contentDocument.adoptedStyleSheets = [sheet];
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (contentDocument.querySelectorAll("[data-style]"))) {
      node.style.cssText = node.dataset.style ?? "";
    }
  });
  return frame;
}
