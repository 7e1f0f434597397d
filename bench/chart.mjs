// The charts, as SVG that can be read on light and on dark ground.

const WIDTH = 760;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .small { font-size: 11px; fill: #59636e; }
  .value { font-variant-numeric: tabular-nums; }
  .limit { fill: #9aa4af; }
  .gatepass { fill: #1f6feb; }
  .peer { fill: #c98a3c; }
  .whisker, .axis { stroke: #1f2328; stroke-width: 1; fill: none; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .line { stroke: #1f6feb; stroke-width: 2; fill: none; }
  .point { fill: #1f6feb; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .limit { fill: #6b7681; }
    .gatepass, .point { fill: #4493f8; }
    .line { stroke: #4493f8; }
    .peer { fill: #d9a15a; }
    .whisker, .axis { stroke: #f0f6fc; }
    .grid { stroke: #3d444d; }
  }`;

const ROW = 26;
const BAR = 16;
const LEFT = 250;
const BARS = WIDTH - LEFT - 150;

/** Requests a second of each contender, in times its limit: what is let in, and what is refused. */
export function barChart(contenders) {
  const panels = [
    ["Let in: requests a second, × a bare pass-through", "bare"],
    ["Refused: requests a second, × an empty Worker that answers 401", "empty"],
  ];
  let y = 24;
  const parts = panels.flatMap(([title, limit]) => {
    const rows = contenders.filter((contender) => contender.limit === limit);
    const most = Math.max(1, ...rows.map(({ ratio }) => ratio.high));
    const drawn = [
      text(0, y, title, "title"),
      ...rows.flatMap((row, i) => bar(row, y + 16 + i * ROW, most)),
    ];
    y += 16 + rows.length * ROW + 36;
    return drawn;
  });
  const legend = text(
    0,
    y - 12,
    "Median of per-round ratios with its 95 % interval; CPU a request of the whole process.",
    "small",
  );
  return svg(y, "What a check costs, beside other ways to do it", [...parts, legend]);
}

function bar({ title, kind, ratio, cpu }, y, most) {
  const x = (value) => LEFT + (value / most) * BARS;
  const middle = y + BAR / 2;
  return [
    text(0, y + 13, title),
    `<rect class="${kind}" x="${LEFT}" y="${y}" width="${fixed(x(ratio.median) - LEFT)}" height="${BAR}" rx="2"/>`,
    `<path class="whisker" d="M${fixed(x(ratio.low))} ${middle}H${fixed(x(ratio.high))}m0 -4v8M${fixed(x(ratio.low))} ${middle - 4}v8"/>`,
    text(
      LEFT + BARS + 12,
      y + 13,
      `${ratio.median.toFixed(2)}  ·  ${cpu.toFixed(0)} µs CPU`,
      "value",
    ),
  ];
}

const COLUMNS = 2;
const PANEL = { width: 380, height: 160 };
const PLOT = { left: 50, width: 270, height: 90 };
const NOTE = { characters: 62, height: 13 };

/** A small chart for each series of `growth`. */
export function lineCharts(series) {
  const notes = series.map(({ note = "" }) => wrapped(note));
  const top = 34 + Math.max(0, ...notes.map(({ length }) => length)) * NOTE.height;
  const rowHeight = top + PANEL.height - 34;
  const panels = series.map((one, i) => {
    const [column, row] = [i % COLUMNS, Math.floor(i / COLUMNS)];
    const place = `translate(${column * PANEL.width} ${row * rowHeight})`;
    return `<g transform="${place}">\n${lineChart(one, notes[i], top).join("\n")}\n</g>`;
  });
  const height = Math.ceil(series.length / COLUMNS) * rowHeight;
  return svg(height, "How the cost of a check grows", panels);
}

function lineChart({ name, unit, points }, note, top) {
  const most = Math.max(...points.map(({ value }) => value)) * 1.25 || 1;
  const logs = points.map(({ n }) => Math.log10(n));
  const [first, last] = [Math.min(...logs), Math.max(...logs)];
  const span = last - first || 1;
  const x = (n) => PLOT.left + ((Math.log10(n) - first) / span) * PLOT.width;
  const bottom = top + PLOT.height;
  const y = (value) => bottom - (value / most) * PLOT.height;
  const path = points.map(({ n, value }) => `${fixed(x(n))} ${fixed(y(value))}`).join("L");
  const across = `h${PLOT.width}`;
  return [
    text(0, 18, name, "title"),
    ...note.map((line, i) => text(0, 34 + i * NOTE.height, line, "small")),
    `<path class="grid" d="M${PLOT.left} ${top}${across}m0 ${PLOT.height / 2}h-${PLOT.width}"/>`,
    `<path class="axis" d="M${PLOT.left} ${bottom}${across}"/>`,
    `<path class="line" d="M${path}"/>`,
    ...points.flatMap(({ n, value }) => [
      `<circle class="point" cx="${fixed(x(n))}" cy="${fixed(y(value))}" r="3"/>`,
      text(x(n), y(value) - 8, `${short(value)} ${unit}`, "small", "middle"),
      text(x(n), bottom + 16, n.toLocaleString("en"), "small", "middle"),
    ]),
  ];
}

/** The lines of a note. */
function wrapped(note) {
  const lines = [];
  for (const word of note.split(" ").filter(Boolean)) {
    const longer = `${lines.at(-1) ?? ""} ${word}`.trim();
    if (lines.length > 0 && longer.length <= NOTE.characters) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function svg(height, title, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 0 ${WIDTH + 24} ${height}" width="${WIDTH + 24}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${STYLE}
</style>
${parts.join("\n")}
</svg>
`;
}

function text(x, y, content, kind, anchor) {
  const attributes = [
    ...(kind ? [`class="${kind}"`] : []),
    ...(anchor ? [`text-anchor="${anchor}"`] : []),
  ];
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes.join(" ")}>${escaped(content)}</text>`;
}

const fixed = (number) => String(Math.round(number * 10) / 10);
const short = (number) =>
  Number(number.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
const escaped = (content) => content.replace(/&/g, "&amp;").replace(/</g, "&lt;");
