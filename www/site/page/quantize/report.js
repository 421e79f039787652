// @ts-check
// Draws the HTML report in a frame that runs no scripts.

import { element } from "../data/element.js";

/**
 * Returns a frame with the report. The page's Content Security Policy, which the frame has too, forbids styles in documents, so this
 * script applies them.
 * @param {string} html
 * @param {string} title
 */
export function reportFrame(html, title) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const css = [...page.querySelectorAll("style")].map((style) => {
    style.remove();
    return style.textContent;
  });
  const styled = [...page.querySelectorAll("[style]")].map((node, at) => {
    const style = node.getAttribute("style") ?? "";
    node.removeAttribute("style");
    node.setAttribute("data-styled", String(at));
    return style;
  });
  const frame = element("iframe", { class: "report", title, sandbox: "allow-same-origin", srcdoc: `<!doctype html>${page.documentElement.outerHTML}` });
  frame.addEventListener("load", () => {
    const { contentDocument, contentWindow } = frame;
    if (!contentDocument || !contentWindow) return;
    const sheet = new (/** @type {typeof globalThis} */ (/** @type {unknown} */ (contentWindow)).CSSStyleSheet)();
    sheet.replaceSync(css.join("\n"));
    contentDocument.adoptedStyleSheets = [sheet];
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (contentDocument.querySelectorAll("[data-styled]"))) {
      node.style.cssText = styled[Number(node.dataset.styled)];
    }
  });
  return frame;
}
