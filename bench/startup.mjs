// How long it takes from the start of a runtime to a Worker's first answer, and how big each is.
//
// Each time in a process of its own: isolates of one process would share compiled WebAssembly. All
// the rest is the same for all, so it falls out of the difference to the empty Worker.

import { subscribe } from "node:diagnostics_channel";
import { say } from "../scripts/lib/run.mjs";
import { rawRequest } from "../tests/support/raw.mjs";
import { startWorkerd } from "../tests/support/workerd.mjs";
import { makeRequest } from "./requests.mjs";
import { sizeOf } from "./sizes.mjs";
import { contendingWorkers, standIns } from "./stage.mjs";
import { estimate, median, shuffled } from "./statistics.mjs";

const ROUNDS = 20;
const QUICK_ROUNDS = 5;

/** What others are compared with. */
const LEAST = "empty";

/** Measures all Workers of that name: `{name, milliseconds, extra, raw, gzipped, wasmGzipped}`. */
export async function measureStartup(names, { quick }) {
  const workers = await contendingWorkers(names);
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    say(`Start-up, round ${round} of ${rounds}`);
    for (const worker of shuffled(workers)) {
      samples[worker.name].push(await timeToFirstAnswer(worker));
    }
  }
  return workers.map(({ name, modules }) => ({
    name,
    milliseconds: median(samples[name]),
    extra: estimate(samples[name].map((time, round) => time - samples[LEAST][round])),
    ...sizeOf(modules),
  }));
}

let spawned;
subscribe("child_process", () => (spawned = performance.now()));

/** A request without a credential is answered without I/O, but by the bare pass-through. */
async function timeToFirstAnswer(worker) {
  const workerd = await startWorkerd({ workers: [worker, ...standIns([worker.name])] });
  try {
    const { target, headers } = makeRequest();
    await rawRequest({ port: workerd.port, target, headers });
    return performance.now() - spawned;
  } finally {
    await workerd.stop();
  }
}
