// Load by wrk: one thread of its own, a few connections, one second and more.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ask, Failure } from "../scripts/lib/run.mjs";

const SCRIPT = fileURLToPath(new URL("load.lua", import.meta.url));
const CONNECTIONS = 16;

/** Requests to send in rotation; each turn goes on where the one before ended. */
export class Stream {
  #file;
  #count;
  #position = 0;

  /** Writes the requests, each as `requestText` makes it, to a file in `folder`. */
  static async write(folder, name, requests) {
    const stream = new Stream();
    stream.#file = join(folder, `${name}.requests`);
    stream.#count = requests.length;
    await writeFile(stream.#file, requests.join("\0"), "latin1");
    return stream;
  }

  /**
   * Sends them to a port for so many seconds: `{requests, refused, seconds, begun}`. `requests` were
   * answered in so many seconds, `refused` of them with a status of 400 or more; `begun` counts
   * those too that were under way in the end.
   */
  async send(port, seconds) {
    const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-s", SCRIPT];
    const own = [this.#file, String(this.#position)];
    const url = `http://127.0.0.1:${port}/`;
    const { stdout } = await promisify(execFile)("wrk", [...args, url, "--", ...own]);
    const report = JSON.parse(stdout.trim().split("\n").at(-1));
    if (report.broken > 0) throw new Failure(`${report.broken} connections broke:\n${stdout}`);
    const begun = report.requests + CONNECTIONS;
    this.#position = (this.#position + begun) % this.#count;
    return { ...report, begun };
  }
}

/** CPU that a process has used so far, all its threads together, in microseconds. */
export async function cpuMicroseconds(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return (Number(user) + Number(system)) * MICROSECONDS_PER_TICK;
}

const MICROSECONDS_PER_TICK = 1e6 / Number(ask("getconf", ["CLK_TCK"]) ?? 100);
