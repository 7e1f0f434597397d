// What comes out: lines while it runs, a section of Markdown, and JSON.

import { rounded } from "../report.mjs";
import { inSeconds } from "./judge.mjs";

const MB = 2 ** 20;

const ms = (milliseconds) =>
  milliseconds === undefined ? "–" : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
const mb = (bytes) => `${Math.round(bytes / MB)} MB`;
const count = (number) => Math.round(number).toLocaleString("en");

/** A line of progress. */
export function progress({ passed, seconds, done, outcome, recorder, last, own }) {
  const { p50, p99 } = recorder.whole();
  return [
    `${Math.round(passed)} of ${Math.round(seconds)} s: ${count(done / passed)} a second`,
    `p50 ${ms(p50)}, p99 ${ms(p99)}`,
    `${outcome.errors} errors, ${outcome.letIn} let in, ${outcome.unsent} unsent`,
    `workerd ${last ? mb(last.resident) : "–"}, the generator's own p99 ${ms(own?.p99)}`,
    ...outcome.told.slice(0, 3).map(({ text, count }) => `${count} × ${text}`),
  ].join("; ");
}

/** The section of the documentation. */
export function asText(report) {
  return [heading(report), judgements(report), kinds(report), minutes(report), bursts(report)]
    .filter(Boolean)
    .join("\n\n");
}

function heading({
  machine,
  storage,
  minutes,
  load,
  capacity,
  rate,
  answers,
  others,
  latest,
  told,
}) {
  const lines = [
    `${machine.processors} processors (${machine.processor}), workerd ${machine.workerd}, Node.js`,
    `${machine.node}. Gate, ledgers (files ${storage}), upstream, KV and load generator are on one`,
    `machine, so the capacity, ${count(capacity)} a second, is that of all of them together.`,
    `${minutes} minutes at ${percent(load)} of it, ${count(rate)} a second; ${count(answers)} answers`,
    `in all. They had ${percent(others.own)} of the processors' time, other work beside them`,
    `${percent(others.others)}; workerd, which has one thread, was kept waiting for a processor`,
    `${percent(others.kept)} of the time that it wanted one. A token or session was good for`,
    `${(latest / 1000).toFixed(1)} s at most after its end was answered.`,
  ];
  const wrong = told.map(({ text, count }) => `- ${count} × ${text}`);
  return [lines.join("\n"), ...(wrong.length > 0 ? ["", ...wrong] : [])].join("\n");
}

const percent = (share) => `${Math.round(share * 100)} %`;

const judgements = ({ judgements }) =>
  table(
    ["judged", "figure", ""],
    judgements.map(({ what, figure, met }) => [what, String(figure), met ? "met" : "**MISSED**"]),
  );

const kinds = ({ kinds, whole }) =>
  table(
    ["kind", "of 1,000", "done", "p50", "p99", "p99.9", "p99, first and last third"],
    [{ name: "all that is not slow by itself", share: "", ...whole, thirds: [] }, ...kinds].map(
      ({ name, share, count: done, p50, p99, p999, thirds: [first, , last] }) => [
        ...[name, String(share), count(done), ms(p50), ms(p99), ms(p999)],
        first ? `${ms(first.p99)}, ${ms(last.p99)}` : "",
      ],
    ),
  );

const minutes = ({ perMinute }) =>
  table(
    [
      ...["minute", "p50", "p99", "p99.9", "generator's own p99", "workerd kept waiting"],
      ...["workerd", "descriptors", "stored"],
    ],
    perMinute
      .map((seen, at) => [at + 1, seen])
      .filter(([minute]) => minute === 1 || minute % 3 === 0)
      .map(([minute, { p50, p99, p999, ownDelay, kept, resident, descriptors, stored }]) => [
        ...[String(minute), ms(p50), ms(p99), ms(p999), ms(ownDelay.p99), percent(kept)],
        ...[mb(resident ?? 0), String(descriptors), `${stored.files} files, ${mb(stored.bytes)}`],
      ]),
  );

const bursts = ({ bursts }) =>
  table(
    [
      "burst",
      "done",
      "turned away",
      "not sent",
      "p99 before",
      "p99 after",
      "back after",
      "workerd",
    ],
    bursts.map(({ done, turnedAway, unsent, before, after, recovered, resident }, at) => [
      ...[String(at + 1), count(done), count(turnedAway), count(unsent), ms(before), ms(after)],
      ...[inSeconds(recovered), mb(resident)],
    ]),
  );

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The results as JSON: of each kind and minute p50, p99 and p99.9 in lists, one number a minute. */
export async function asJson({ kinds, samples, told, ...report }) {
  const listed = kinds.map(({ minutes, thirds, ...kind }) => ({
    ...kind,
    thirds: thirds.map(({ p99 }) => p99),
    ...Object.fromEntries(
      ["p50", "p99", "p999"].map((key) => [`${key}ByMinute`, minutes.map((minute) => minute[key])]),
    ),
  }));
  const resident = samples.map(({ resident }) => Math.round(resident / 1024));
  const all = { ...report, wrong: told, kinds: listed, residentKilobytesEvery5s: resident };
  const prettier = await import("prettier");
  return prettier.format(JSON.stringify(rounded(all)), { parser: "json", printWidth: 100 });
}
