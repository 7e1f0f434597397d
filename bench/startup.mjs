// How long it takes from the start of a runtime to a Worker's first answer, and how big each is.
//
// Each time in a process of its own: isolates of one process would share compiled WebAssembly. All
// the rest is the same for all, so it falls out of the difference to the empty Worker. Where a
// Worker has Durable Objects the empty one has them too, since the runtime opens storage for them.

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
const leastFor = ({ name, durableObjects }) => (durableObjects ? `${LEAST} ${name}` : LEAST);

/** Measures all Workers of that name: `{name, milliseconds, extra, raw, gzipped, wasmGzipped}`. */
export async function measureStartup(names, { quick }) {
  const workers = await contendingWorkers(names);
  const stateful = workers.filter(({ durableObjects }) => durableObjects);
  const measured = [...workers, ...stateful.map(emptied)];
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  const samples = Object.fromEntries(measured.map((worker) => [nameOf(worker), []]));
  for (let round = 1; round <= rounds; round++) {
    say(`Start-up, round ${round} of ${rounds}`);
    for (const worker of shuffled(measured)) {
      samples[nameOf(worker)].push(await timeToFirstAnswer(worker));
    }
  }
  return workers.map((worker) => {
    const [own, least] = [samples[worker.name], samples[leastFor(worker)]];
    return {
      name: worker.name,
      milliseconds: median(own),
      extra: estimate(own.map((time, round) => time - least[round])),
      ...sizeOf(worker.modules),
    };
  });
}

/** An empty Worker with the Durable Objects of another, in its place. */
function emptied(worker) {
  const classes = Object.keys(worker.durableObjects).map(
    (name) => `export class ${name} extends DurableObject {}`,
  );
  const source = [
    'import { DurableObject } from "cloudflare:workers";',
    ...classes,
    'export default { fetch: () => new Response("", { status: 401 }) };',
  ];
  const { name, durableObjects } = worker;
  const modules = { "worker.js": source.join("\n") };
  return { name, modules, durableObjects, isEmpty: true };
}

const nameOf = ({ isEmpty, ...worker }) => (isEmpty ? leastFor(worker) : worker.name);

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
