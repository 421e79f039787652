// Formats plain-text tables.

/** Returns a table of `rows` under `head`. Each column is as wide as its widest cell; all but the first are right-aligned. */
export function table(head, rows) {
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at].length)));
  const line = (row) => row.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))).join("  ").trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** Formats a number with `digits` decimals; a missing number becomes a dash. */
export const number = (value, digits) => (value === null || value === undefined ? "-" : value.toFixed(digits));
