// Stages of a script run side by side, each as a process of its own.
import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import { Failure } from "./run.mjs";

/** How much a lane of compilers gives way to one of tests with clocks. */
const NICE = 10;

/**
 * Runs lanes side by side, each one stage after the other: `start(stage)` says with which arguments of
 * Node.js, and `told(stage, output)` hears of each that has passed. The first that fails ends all; what
 * it printed is the Failure. All lanes but the first give way to it; `after` names the
 * stage that a stage waits for.
 */
export async function sideBySide(lanes, after, start, told) {
  const pass = {};
  const passed = {};
  for (const name of lanes.flat()) passed[name] = new Promise((done) => (pass[name] = done));
  const running = new Set();
  const end = () => running.forEach(({ pid }) => process.kill(-pid, "SIGKILL"));
  const stop = () => process.exit(130);
  process.once("exit", end).once("SIGINT", stop).once("SIGTERM", stop);
  const runLane = async (stages, lane) => {
    for (const stage of stages) {
      await passed[after[stage]];
      const child = spawn(process.execPath, start(stage), {
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      running.add(child);
      if (lane > 0) setPriority(child.pid, NICE);
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => (output += text));
      }
      const code = await new Promise((done) => child.once("close", done));
      running.delete(child);
      if (code !== 0) throw new Failure(`${output}\nThe stage "${stage}" failed.`);
      pass[stage]();
      told(stage, output);
    }
  };
  await Promise.all(lanes.map(runLane));
  process.off("exit", end).off("SIGINT", stop).off("SIGTERM", stop);
}
