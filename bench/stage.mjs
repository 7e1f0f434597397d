// The stage: one workerd with every contender, KV, the ledgers and the upstream.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rawRequest } from "../tests/support/raw.mjs";
import { limiterWorker } from "../tests/support/stand-ins.mjs";
import { startWorkerd } from "../tests/support/workerd.mjs";
import { bundle } from "./bundle.mjs";
import { makePats } from "./gate.mjs";
import { cpuMicroseconds, Stream } from "./load.mjs";
import { WORKERS } from "./workers.mjs";

/** Starts it for some contenders. */
export async function startStage(contenders) {
  const names = [...new Set(contenders.map(({ worker }) => worker))];
  const made = names.filter((name) => WORKERS[name].maker);
  const own = [
    ...(await contendingWorkers(names)),
    ...(await Promise.all(made.map((name) => worker(makerOf(name), WORKERS[name].maker)))),
  ];
  const workerd = await startWorkerd({
    workers: [...own, ...standIns(names)],
    sockets: Object.fromEntries(
      [...own.map(({ name }) => name), "kv", "ledgers"].map((name) => [name, name]),
    ),
  });
  const folder = await mkdtemp(join(tmpdir(), "gatepass-bench-"));
  const stage = new Stage(workerd, folder);
  try {
    await stage.prepare(names, contenders);
    return stage;
  } catch (error) {
    await stage.stop();
    throw new Error(`${error.stack}\n${workerd.stderr()}`);
  }
}

class Stage {
  #workerd;
  #folder;
  #streams = {};
  /** What each Worker is sent, by its name and the requests'. */
  requests = {};

  constructor(workerd, folder) {
    this.#workerd = workerd;
    this.#folder = folder;
    this.ports = workerd.ports;
  }

  /** Fills KV and readies the requests. */
  async prepare(names, contenders) {
    const pats = makePats();
    const kv = (asked) => this.#kv(asked);
    await kv({ put: pats.values });
    for (const name of names) {
      const given = { port: this.ports[name], makerPort: this.ports[makerOf(name)], pats, kv };
      this.requests[name] = await WORKERS[name].requests(given);
    }
    for (const { name, worker, sends = "good" } of contenders) {
      const texts = this.requests[worker][sends].map(({ text }) => text);
      this.#streams[name] = await Stream.write(this.#folder, name, texts);
    }
  }

  /**
   * Has a contender work for so many seconds: requests a second, CPU microseconds a request, reads
   * and writes of KV and calls of ledgers a request.
   */
  async run({ name, worker, status = 200 }, seconds) {
    const before = await this.counts();
    const report = await this.#streams[name].send(this.ports[worker], seconds);
    const after = await this.counts();
    const { requests, refused, begun } = report;
    const wrong = status < 400 ? refused : requests - refused;
    if (wrong > 0) {
      const output = this.#workerd.stderr().slice(-2_000);
      throw new Error(`${name}: ${wrong} of ${requests} answers are not ${status}\n${output}`);
    }
    const perRequest = Object.entries(after).map(([key, n]) => [key, (n - before[key]) / begun]);
    return { rate: requests / report.seconds, ...Object.fromEntries(perRequest) };
  }

  /** One request to a Worker, and its answer. */
  ask(worker, { target, headers }) {
    return rawRequest({ port: this.ports[worker], target, headers });
  }

  /** What has been used so far: CPU, reads and writes of KV, calls of ledgers. */
  async counts() {
    const { reads, writes } = await this.#kv({});
    const { calls } = await (await fetch(`http://127.0.0.1:${this.ports.ledgers}/`)).json();
    return { cpu: await cpuMicroseconds(this.#workerd.pid), reads, writes, calls };
  }

  async #kv(asked) {
    const url = `http://127.0.0.1:${this.ports.kv}/`;
    return (await fetch(url, { method: "POST", body: JSON.stringify(asked) })).json();
  }

  async stop() {
    await this.#workerd.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const makerOf = (name) => `${name}-maker`;

/** Workers of workers.mjs, for `startWorkerd`, bundled. */
export function contendingWorkers(names) {
  return Promise.all(names.map((name) => worker(name, WORKERS[name])));
}

async function worker(name, { entry, bindings, durableObjects, compatibilityFlags }) {
  return { name, modules: await bundle(entry), bindings, durableObjects, compatibilityFlags };
}

/** What all of them have around them. */
export function standIns(names) {
  const standIn = (name, more) => {
    const source = new URL(`stand-ins/${name}.js`, import.meta.url);
    return { name, modules: { "worker.js": source }, ...more };
  };
  const ledger = names.includes("gatepass") && { durableObject: "Ledger", worker: "gatepass" };
  return [
    standIn("upstream"),
    standIn("kv"),
    standIn("ledgers", {
      durableObjects: { Counted: {} },
      bindings: ledger ? { LEDGER: ledger } : {},
    }),
    limiterWorker("limiter"),
  ];
}
