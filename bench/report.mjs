// What comes out: tables on the terminal and in docs/benchmark.md, results.json, and the charts.

import { mkdir, writeFile } from "node:fs/promises";
import { say } from "../scripts/lib/run.mjs";
import { barChart, lineCharts } from "./chart.mjs";
import { section as runtimesSection } from "./runtimes/report.mjs";
import { checksTable, contendersTable, interval, startupTable, targetsTable } from "./table.mjs";

const RESULTS = new URL("results.json", import.meta.url);
const IMAGES = new URL("../docs/images/", import.meta.url);
const PAGE = new URL("../docs/benchmark.md", import.meta.url);

/** Prints all that was measured. */
export function print(report) {
  for (const [title, text] of sections(report)) console.log(`\n\n${title}\n\n${text}`);
}

/** All that was measured: title and text of each part. */
function sections({ contenders, startup, memory, inside, growth, targets }) {
  return [
    contenders && ["What was seen of each contender", checksTable(contenders)],
    contenders && ["Under load", contendersTable(contenders)],
    startup && ["Start-up and size", startupTable(startup)],
    memory && ["Memory of the gate's isolate", memoryText(memory)],
    inside && ["Inside WebAssembly, without I/O", insideText(inside)],
    growth && ["How cost grows", growth.map(growthText).join("\n")],
    ["Targets", targetsTable(targets.filter(({ met }) => met !== null))],
  ].filter(Boolean);
}

/** The page of docs/, which a whole run writes. */
async function page(report) {
  const { machine, rounds, seconds } = report;
  const facts = Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`);
  const parts = sections(report).map(
    ([title, text]) => `## ${title}\n\n\`\`\`text\n${text}\n\`\`\`\n`,
  );
  return [
    "# Benchmark\n",
    "Written by `npm run bench`; [performance.md](performance.md) says what the figures mean.",
    `${rounds} rounds, ${seconds} s for each contender in a round, on:\n`,
    `${facts.join("\n")}\n`,
    "![Requests a second against a bare pass-through](images/bench.svg)\n",
    "![How cost grows](images/growth.svg)\n",
    ...parts,
    await runtimesSection(),
  ].join("\n");
}

/** Writes results.json and the charts. */
export async function publish(report) {
  const { samples, ...results } = report;
  const prettier = await import("prettier");
  const json = await prettier.format(JSON.stringify(rounded(results)), {
    ...{ parser: "json", printWidth: 100 },
  });
  await writeFile(RESULTS, json);
  await mkdir(IMAGES, { recursive: true });
  await writeFile(new URL("bench.svg", IMAGES), barChart(results.contenders));
  await writeFile(new URL("growth.svg", IMAGES), lineCharts(results.growth));
  await writeFile(PAGE, await page(report));
  say("Written: bench/results.json, docs/benchmark.md, docs/images/bench.svg and growth.svg");
}

function memoryText(points) {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return points
    .map(({ tokens, wasm, heap, resident }) =>
      [
        ...[
          `${tokens.toLocaleString("en").padStart(9)} tokens:`,
          `WebAssembly ${megabytes(wasm)},`,
        ],
        ...[`JavaScript ${megabytes(heap)}`, `(the process: ${megabytes(resident)})`],
      ].join(" "),
    )
    .join("\n");
}

const insideText = ({ check, hash, ratio }) =>
  `A warm check: ${interval(check, 0)} ns; SHA-256 of its token: ${interval(hash, 0)} ns; ` +
  `${interval(ratio)} times.`;

function growthText({ name, unit, points, note }) {
  const values = points.map(
    ({ n, value }) => `${n.toLocaleString("en")}: ${Number(value.toPrecision(3))} ${unit}`,
  );
  return `${name}: ${values.join(", ")}${note ? ` (${note})` : ""}`;
}

/** The same with numbers of five digits that matter. */
export const rounded = (value) =>
  JSON.parse(
    JSON.stringify(value, (_, item) =>
      typeof item === "number" && !Number.isInteger(item) ? Number(item.toPrecision(5)) : item,
    ),
  );
