// Draws line plots as SVG that is readable on light and dark pages.

const WIDTH = 760;
const HEIGHT = 420;
const FRAME = { left: 56, right: 560, top: 56, bottom: 372 };
const LINE = 16; // the smallest distance between two labels

const STYLE = `
  svg { color-scheme: light dark; --ink: #1f2328; --faint: #d1d9e0; --c0: #0a7d33; --c1: #1f6feb; --c2: #9a6700; --c3: #cf222e; --c4: #8250df;
    --c5: #0b7285; --c6: #bf3989 }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --faint: #30363d; --c0: #3fb950; --c1: #58a6ff; --c2: #d29922; --c3: #ff7b72; --c4: #bc8cff;
      --c5: #39c5cf; --c6: #f778ba }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink) }
  .title { font-size: 16px; font-weight: 600 }
  .grid { stroke: var(--faint); stroke-width: 1 }
  polyline { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  ${[0, 1, 2, 3, 4, 5, 6].map((at) => `.c${at} { stroke: var(--c${at}) } circle.c${at}, text.c${at} { fill: var(--c${at}); stroke: none }`).join("\n  ")}
`;

/** Escapes the characters that XML reserves. */
export function escape(text) {
  const names = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };
  return String(text).replace(/[&<>"']/g, (character) => `&${names[character]};`);
}

/** Returns a function that maps values to pixels. `from` and `to` are the pixels of `low` and `high`. */
export function scale([low, high], [from, to], logarithmic) {
  const map = logarithmic ? Math.log : (value) => value;
  return (value) => from + ((map(value) - map(low)) / (map(high) - map(low))) * (to - from);
}

/** Returns 1, 2 and 5 times powers of ten, from the last one at or below `low` to the first one at or above `high`. */
export function logTicks(low, high) {
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of [1, 2, 5]) all.push(Number(`${step}e${power}`));
  }
  const first = all.findLastIndex((tick) => tick <= low);
  return all.slice(first, all.findIndex((tick) => tick >= high) + 1);
}

/** Returns heights near `wanted`, in the same order of size and at least `distance` apart. */
export function apart(wanted, distance) {
  const order = wanted.map((_, at) => at).sort((a, b) => wanted[a] - wanted[b]);
  const heights = [...wanted];
  for (let at = 1; at < order.length; at++) {
    heights[order[at]] = Math.max(heights[order[at]], heights[order[at - 1]] + distance);
  }
  return heights;
}

/**
 * Plots at most seven `series`, each `{ name, points: [[x, y]] }`, over a logarithmic x axis. `x` is `{ label, ticks }` and `y` is
 * `{ label, ticks, log, format }`. The axes reach from the first to the last tick.
 */
export function plot({ title, x, y, series }) {
  const ends = (ticks) => [ticks[0], ticks.at(-1)];
  const toX = scale(ends(x.ticks), [FRAME.left, FRAME.right], true);
  const toY = scale(ends(y.ticks), [FRAME.bottom, FRAME.top], y.log);
  const px = (value) => value.toFixed(1);
  const text = (at, down, content, more = "") => `<text x="${px(at)}" y="${px(down)}"${more}>${escape(content)}</text>`;
  const grid = [
    ...y.ticks.map((tick) => {
      const down = toY(tick);
      const line = `<line class="grid" x1="${FRAME.left}" x2="${FRAME.right}" y1="${px(down)}" y2="${px(down)}"/>`;
      return line + text(FRAME.left - 8, down + 4, y.format(tick), ' text-anchor="end"');
    }),
    ...x.ticks.map((tick) => text(toX(tick), FRAME.bottom + 20, tick, ' text-anchor="middle"')),
  ];
  const labels = apart(series.map(({ points }) => toY(points.at(-1)[1])), LINE);
  const lines = series.map(({ name, points }, at) => {
    const pixels = points.map(([px1, py1]) => [px(toX(px1)), px(toY(py1))]);
    const dots = pixels.map(([cx, cy]) => `<circle class="c${at}" cx="${cx}" cy="${cy}" r="3"/>`).join("");
    const line = `<polyline class="c${at}" points="${pixels.map((point) => point.join(",")).join(" ")}"/>`;
    return line + dots + text(FRAME.right + 10, labels[at] + 4, name, ` class="c${at}"`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<title>${escape(title)}</title>
<style>${STYLE}</style>
${text(FRAME.left, 22, title, ' class="title"')}
${text(FRAME.left, 42, y.label)}
${text((FRAME.left + FRAME.right) / 2, HEIGHT - 10, x.label, ' text-anchor="middle"')}
${grid.join("\n")}
${lines.join("\n")}
</svg>
`;
}
