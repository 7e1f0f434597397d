// Measures the capacity, loads the gate for as long as is asked, and judges.

import { writeFile } from "node:fs/promises";
import { asScript, Failure, say } from "../../scripts/lib/run.mjs";
import { machine } from "../machine.mjs";
import { burst } from "./burst.mjs";
import { descriptorsOf, growth, judge } from "./judge.mjs";
import { closedLoop, openLoop, Outcome, Recorder } from "./load.mjs";
import { everything, KINDS } from "./mix.mjs";
import { soakOptions } from "./options.mjs";
import { asJson, asText, progress } from "./report.mjs";
import { startStage } from "./stage.mjs";
import { cpu, kindOfStorage, stored, Watch } from "./watch.mjs";

const RESULTS = new URL("../soak.json", import.meta.url);

/** Runners of the closed loop, and the seconds that it takes at most, of which half count. */
const RUNNERS = 64;
const CAPACITY = 120;

/** What may be under way at once. */
const MOST = 2_000;

const BURSTS = { times: 3, seconds: 10 };

await asScript(async () => {
  const { minutes, load, whole } = soakOptions();
  say("Starting workerd, and making users and tokens");
  const stage = await startStage();
  try {
    const storage = await kindOfStorage(stage);
    const found = await soak(stage, minutes, load);
    const report = { machine: machine(), storage, minutes, load, ...found };
    console.log(`\n${asText(report)}`);
    if (whole) {
      await writeFile(RESULTS, await asJson(report));
      say("Written: bench/soak.json");
    }
    const missed = report.judgements.filter(({ met }) => !met);
    if (missed.length === 0) return;
    throw new Failure(`Not met: ${missed.map(({ what }) => what).join("; ")}`);
  } finally {
    await stage.stop();
  }
});

async function soak(stage, minutes, load) {
  const outcome = new Outcome();
  const capacitySeconds = Math.min(CAPACITY, minutes * 10);
  say(`Measuring the capacity in ${capacitySeconds} s`);
  const closed = { runners: RUNNERS, seconds: capacitySeconds };
  const capacity = await closedLoop(stage, everything, outcome, closed);
  const rate = load * capacity;
  say(`${Math.round(capacity)} a second; ${Math.round(rate)} a second for ${minutes} minutes`);
  stage.latest = 0;

  const { recorder, watch, perMinute, others } = await steady(stage, outcome, { rate, minutes });
  const unsent = outcome.unsent;
  const bursts = await burst(stage, capacity, { ...BURSTS, say });
  const samples = watch.samples;
  const found = {
    ...{ capacity, rate, done: outcome.done, answers: stage.client.answers, unsent },
    ...{ errors: outcome.errors, letIn: outcome.letIn },
    told: [...outcome.told, ...bursts.outcome.told],
    ...{ latest: stage.latest, whole: recorder.whole(), thirds: recorder.thirds() },
    ...{ growth: growth(samples, 1 / 3), growthInTheEnd: growth(samples, 2 / 3) },
    ...{ descriptors: descriptorsOf(samples), others, samples, perMinute },
    kinds: KINDS.map(({ name, share, slow }) => ({
      ...{ name, share, slow, ...recorder.whole(name), thirds: recorder.thirds(name) },
      minutes: recorder.minutes.get(name),
    })),
    ...{ bursts: bursts.bursts, refusals: bursts.outcome.refusals },
  };
  return { ...found, judgements: judge({ ...found, outcome, bursts }) };
}

/** The load itself, with a line every ten seconds. */
async function steady(stage, outcome, { rate, minutes }) {
  const seconds = minutes * 60;
  const recorder = new Recorder(seconds);
  const watch = new Watch(stage);
  const perMinute = [];
  const begun = performance.now();
  const doneBefore = outcome.done;
  const cpus = [await cpu(stage)];
  const endMinute = async () => {
    const latencies = recorder.endMinute(KINDS);
    const { resident, descriptors } = watch.samples.at(-1) ?? {};
    const seen = { resident, descriptors, stored: await stored(stage), ownDelay: watch.ownDelay };
    watch.beginMinute();
    cpus.push(await cpu(stage));
    perMinute.push({ ...latencies, ...seen, ...shares(...cpus.slice(-2)) });
  };
  const minute = setInterval(endMinute, 60_000);
  const line = setInterval(() => {
    const passed = (performance.now() - begun) / 1000;
    const done = outcome.done - doneBefore;
    const [last, own] = [watch.samples.at(-1), watch.ownDelay];
    say(progress({ passed, seconds, done, outcome, recorder, last, own }));
  }, 10_000);
  await openLoop(stage, everything, outcome, { rate, seconds, most: MOST, recorder });
  clearInterval(minute);
  clearInterval(line);
  if (perMinute.length < minutes) await endMinute();
  watch.stop();
  const others = shares(cpus[0], cpus.at(-1));
  return { recorder, watch, perMinute, others };
}

/**
 * Of the machine's CPU between two moments, the part of these two processes and that of others; and
 * of the time that workerd wanted to work, that in which others did.
 */
function shares(before, after) {
  const between = (key) => after[key] - before[key];
  const [all, own] = [between("all"), between("own")];
  return {
    ...{ own: own / all, others: (all - own - between("idle")) / all },
    kept: between("waited") / (between("worked") + between("waited")),
  };
}
