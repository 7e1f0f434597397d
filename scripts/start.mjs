// Starts the gate with the demo upstream behind it, on the real runtime with real local storage.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { build } from "./build.mjs";
import { ensureSecrets } from "./dev-vars.mjs";
import { readOptions } from "./lib/options.mjs";
import { asScript, Failure, say } from "./lib/run.mjs";
import { devCommand } from "./lib/wrangler.mjs";

const HELP = `Usage: npm start -- [--port PORT] [--state FOLDER] [--release]

Sets up what is missing, builds the gate and runs it with the demo upstream behind it.

  --port PORT      where the gate listens (8787)
  --state FOLDER   where tokens and all other state are kept (.wrangler/state)
  --release        run the release build instead of development's
  --help           this text

Secrets come from the environment, else from .dev.vars, which the first start makes.`;

const OPTIONS = {
  port: { type: "string", default: "8787" },
  state: { type: "string", default: ".wrangler/state" },
  release: { type: "boolean", default: false },
};

const READY_WITHIN = 60_000;
const STOP_WITHIN = 5_000;

// What wrangler says of itself; requests and messages of the Workers are not among it.
const CHATTER = [
  /^\s*$/,
  /^\[wrangler:info\]/,
  /\[custom build\]\s*(Running:.*|Finished.*)?$/,
  /^⎔/,
];

// After a failed build wrangler prints its own internals, line upon line.
let dumping = false;

await asScript(async () => {
  const options = readOptions(OPTIONS, HELP);
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Failure(`--port wants a number from 1 to 65535, not "${options.port}".`);
  }
  await refuseTakenPort(port);
  const profile = options.release ? "release" : "dev";
  await build(profile);
  ensureSecrets();
  say("Starting the gate");
  const gate = startGate({ port, state: resolve(options.state), profile });
  stopOnSignals(gate);
  await untilHealthy(gate, port);
  gate.showOutput();
  console.log(greeting(port));
});

async function refuseTakenPort(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    const error = await new Promise((settle) => {
      const server = createServer().once("error", settle);
      server.listen({ port, host, exclusive: true }, () => server.close(() => settle()));
    });
    if (error?.code === "EADDRINUSE" || error?.code === "EACCES") {
      const why = error.code === "EACCES" ? "may not be used by you" : "is in use";
      throw new Failure(`Port ${port} ${why}. Choose another: npm start -- --port ${port + 1}`);
    }
  }
}

/** Runs wrangler in a process group of its own; keeps its output back until `showOutput`. */
function startGate(options) {
  const { program, args, env } = devCommand(options);
  const child = spawn(program, args, { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  let kept = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      if (kept) kept.push(line);
      else show(line);
    });
  }
  const gate = {
    stopping: false,
    group: -child.pid,
    ended: new Promise((settle) => child.once("close", settle)),
    showOutput() {
      kept = undefined;
    },
  };
  gate.ended.then((code) => {
    if (gate.stopping) return;
    console.error(`${kept?.join("\n") ?? ""}\nThe gate's runtime ended (exit code ${code}).`);
    process.exit(1);
  });
  return gate;
}

function show(line) {
  const text = line.replace(/^\[undefined\] /, "");
  const plain = text.replace(/\x1b\[[0-9;]*m/g, "");
  if (/Process exited with non-zero status/.test(plain)) dumping = true;
  if (/Running custom build .* failed/.test(plain)) dumping = false;
  if (!dumping && !CHATTER.some((pattern) => pattern.test(plain))) console.log(text);
}

function stopOnSignals(gate) {
  const stop = async () => {
    if (gate.stopping) return;
    gate.stopping = true;
    signal(gate.group, "SIGTERM");
    const patience = setTimeout(() => signal(gate.group, "SIGKILL"), STOP_WITHIN);
    await gate.ended;
    clearTimeout(patience);
    signal(gate.group, "SIGKILL"); // whatever of the group is still there
    process.exit(0);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, stop);
}

function signal(group, name) {
  try {
    process.kill(group, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

async function untilHealthy(gate, port) {
  const deadline = performance.now() + READY_WITHIN;
  let last = "no answer";
  while (performance.now() < deadline) {
    try {
      const answer = await fetch(`http://localhost:${port}/gatepass/healthz`);
      if (answer.status === 200) return;
      last = await answer.text();
      if (last.includes('"config_invalid"')) break;
    } catch {
      // It does not listen yet.
    }
    await new Promise((settle) => setTimeout(settle, 50));
  }
  gate.stopping = true;
  signal(gate.group, "SIGKILL");
  throw new Failure(`The gate is not healthy. Its last answer: ${last}`);
}

function greeting(port) {
  const base = `http://localhost:${port}`;
  const key = process.env.OPERATOR_KEY
    ? "The operator key is $OPERATOR_KEY, as the environment has it."
    : "The operator key stands in .dev.vars; this reads it from there:\n\n" +
      "  OPERATOR_KEY=$(sed -n 's/^OPERATOR_KEY=//p' .dev.vars)";
  return `
Gatepass is ready at ${base}

${key}

Create a token, which is shown once, and keep it in a variable:

  TOKEN=$(curl -s -u "operator:$OPERATOR_KEY" ${base}/gatepass/api/tokens \\
    -H 'content-type: application/json' \\
    -d '{"name":"My first token","scopes":["jobs:read"],"user":{"email":"you@example.com"}}' \\
    | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

Open the upstream with it:

  curl -H "Authorization: Bearer $TOKEN" "${base}/api/v1/jobs/?page=1&page_size=3"

Ctrl+C stops everything.
`;
}
