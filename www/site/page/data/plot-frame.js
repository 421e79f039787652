// @ts-check
// What all plots have: a caption, axes, a legend, and a table behind them.

import { element, newId, svg } from "../shared/element.js";

/** The space around a plot for its labels. */
const [LEFT, TOP, RIGHT, BOTTOM] = [52, 12, 16, 44];

/**
 * Returns a plot. The table is made when the visitor opens it.
 * @param {{ title: string, about: string, drawing: SVGElement[], width: number, height: number, legend?: [string, string][], table: () => HTMLElement }} chart
 */
export function figure({ title, about, drawing, width, height, legend = [], table }) {
  const [titleId, aboutId] = [newId(), newId()];
  const rows = element("div", { class: "plot-table", tabindex: 0, role: "region", "aria-label": `${title}, as a table` });
  const details = element("details", {}, element("summary", {}, "As a table"), rows);
  details.addEventListener("toggle", () => rows.childElementCount > 0 || rows.append(table()));
  return element("figure", { class: "plot" },
    element("figcaption", { id: titleId }, title),
    svg("svg", { viewBox: `0 0 ${width + LEFT + RIGHT} ${height + TOP + BOTTOM}`, width: width + LEFT + RIGHT, role: "img", "aria-labelledby": `${titleId} ${aboutId}` },
      svg("g", { transform: `translate(${LEFT} ${TOP})` }, ...drawing)),
    legend.length > 0 && element("ul", { class: "legend" }, ...legend.map(([mark, text]) => element("li", { "data-mark": mark }, text))),
    element("p", { class: "hint", id: aboutId }, about),
    details);
}

/**
 * Draws the axes with their labels. Ticks are `[place, text]`.
 * @param {{ width: number, height: number, x: [number, string][], y: [number, string][], xTitle: string, yTitle: string }} axes
 */
export function axes({ width, height, x, y, xTitle, yTitle }) {
  return [
    ...y.map(([place, text]) => svg("g", {}, svg("path", { class: "grid", d: `M0 ${place}H${width}` }), svg("text", { x: -8, y: place, class: "tick y" }, text))),
    ...x.map(([place, text]) => svg("text", { x: place, y: height + 16, class: "tick x" }, text)),
    svg("path", { class: "axis", d: `M0 0V${height}H${width}` }),
    svg("text", { x: width / 2, y: height + 38, class: "title x" }, xTitle),
    svg("text", { transform: `translate(-40 ${height / 2}) rotate(-90)`, class: "title x" }, yTitle),
  ];
}
