// Tables of plain text.

/** `rows` of cells under `head`, in columns as wide as their widest cell; all but the first are aligned to the right. */
export function table(head, rows) {
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at].length)));
  const line = (row) => row.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))).join("  ").trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** A number with `digits` after the point; a dash where there is none. */
export const number = (value, digits) => (value === null || value === undefined ? "-" : value.toFixed(digits));
