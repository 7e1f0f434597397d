// What is seen from outside while the load runs: workerd's memory and descriptors, what is on the
// disk, and how late the load generator's own loop is.

import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds between two looks at the memory. */
const EVERY = 5_000;

/** Watches a stage until it is stopped. */
export class Watch {
  #stage;
  #begun = performance.now();
  #lag = monitorEventLoopDelay({ resolution: 5 });
  #timer;
  /** What was seen, and when: `{seconds, resident, descriptors}`. */
  samples = [];

  constructor(stage) {
    this.#stage = stage;
    this.#lag.enable();
    this.#timer = setInterval(() => this.#sample(), EVERY);
  }

  async #sample() {
    const { kv } = this.#stage.gate;
    // The stand-in notes each call, for tests.
    kv.reads.length = kv.writes.length = 0;
    const sample = await seenOf(this.#stage).catch(() => undefined);
    if (sample) this.samples.push({ seconds: this.#seconds(), ...sample });
  }

  #seconds() {
    return (performance.now() - this.#begun) / 1000;
  }

  /** How late the generator's own loop was in this minute: `{p50, p99, max}`, milliseconds. */
  get ownDelay() {
    // A loop that is never late counts as late by the resolution.
    const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - 5);
    return {
      p50: late(this.#lag.percentile(50)),
      p99: late(this.#lag.percentile(99)),
      max: late(this.#lag.max),
    };
  }

  beginMinute() {
    this.#lag.reset();
  }

  stop() {
    clearInterval(this.#timer);
    this.#lag.disable();
  }
}

/** `{resident, descriptors}` of workerd: bytes of memory, and how many files and connections it has open. */
export async function seenOf({ gate }) {
  const descriptors = (await readdir(`/proc/${gate.pid}/fd`)).length;
  return { resident: await gate.memory(), descriptors };
}

/** Files of the Durable Objects and their bytes. */
export async function stored({ storage }) {
  const entries = await readdir(storage, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => stat(join(parentPath, name)).then(({ size }) => size));
  // One that is gone by now was a journal's.
  const found = (await Promise.allSettled(sizes)).flatMap(({ value }) => value ?? []);
  return { files: found.length, bytes: found.reduce((sum, size) => sum + size, 0) };
}

const TMPFS = 0x01021994;

/** Where the files of the Durable Objects are: on a disk, each write of which is waited for, or not. */
export async function kindOfStorage({ storage }) {
  return (await statfs(storage)).type === TMPFS ? "in memory" : "on the disk";
}

/**
 * CPU since the machine runs: of all of it `{all, idle}`, of this process and workerd `own`, in
 * ticks; and how long workerd's one thread has `worked` and has `waited` for a processor that others
 * had, in nanoseconds.
 */
export async function cpu({ pid }) {
  const [first] = (await readFile("/proc/stat", "utf8")).split("\n");
  const ticks = first.split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, count) => sum + count, 0);
  const processes = await Promise.all([pid, process.pid].map(ticksOf));
  const [worked, waited] = (await readFile(`/proc/${pid}/schedstat`, "utf8"))
    .split(" ")
    .map(Number);
  return { all, idle: ticks[3] + ticks[4], own: processes[0] + processes[1], worked, waited };
}

async function ticksOf(pid) {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
