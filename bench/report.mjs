// What comes out: tables on the terminal, results.json, and the charts.

import { mkdir, writeFile } from "node:fs/promises";
import { say } from "../scripts/lib/run.mjs";
import { barChart, lineCharts } from "./chart.mjs";
import { checksTable, contendersTable, interval, startupTable, targetsTable } from "./table.mjs";

const RESULTS = new URL("results.json", import.meta.url);
const IMAGES = new URL("../docs/images/", import.meta.url);

/** Prints all that was measured. */
export function print({ contenders, startup, memory, inside, growth, targets }) {
  const show = (title, text) => console.log(`\n\n${title}\n\n${text}`);
  if (contenders) {
    show("What was seen of each contender", checksTable(contenders));
    show("Under load", contendersTable(contenders));
  }
  if (startup) show("Start-up and size", startupTable(startup));
  if (memory) show("Memory of the gate's isolate", memoryText(memory));
  if (inside) show("Inside WebAssembly, without I/O", insideText(inside));
  if (growth) show("How cost grows", growth.map(growthText).join("\n"));
  show("Targets", targetsTable(targets.filter(({ met }) => met !== null)));
}

/** Writes results.json and the charts. */
export async function publish({ samples, ...results }) {
  const prettier = await import("prettier");
  const json = await prettier.format(JSON.stringify(rounded(results)), {
    ...{ parser: "json", printWidth: 100 },
  });
  await writeFile(RESULTS, json);
  await mkdir(IMAGES, { recursive: true });
  await writeFile(new URL("bench.svg", IMAGES), barChart(results.contenders));
  await writeFile(new URL("growth.svg", IMAGES), lineCharts(results.growth));
  say("Written: bench/results.json, docs/images/bench.svg, docs/images/growth.svg");
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
const rounded = (value) =>
  JSON.parse(
    JSON.stringify(value, (_, item) =>
      typeof item === "number" && !Number.isInteger(item) ? Number(item.toPrecision(5)) : item,
    ),
  );
