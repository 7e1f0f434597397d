// Starts the gate with the demo apps behind it, on the real runtime with real local storage, and the
// demo portal beside it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";
import { build } from "./build.mjs";
import { ensureSecrets, file as secretsFile } from "./dev-vars.mjs";
import { readOptions } from "./lib/options.mjs";
import { inRoot } from "./lib/paths.mjs";
import { asScript, Failure, say } from "./lib/run.mjs";
import { devCommand } from "./lib/wrangler.mjs";

const HELP = `Usage: npm start -- [--port PORT] [--state FOLDER] [--release]

Sets up what is missing, builds the gate and runs it with two demo apps behind it: an upstream for
programs, and a jobs board that a demo portal shows in frames.

  --port PORT      where the gate listens (8787); the portal listens at the next port (8788)
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

// What wrangler and the runtime say of themselves; requests and messages of the Workers are not among
// it.
const CHATTER = [
  /^\s*$/,
  /^\[wrangler:info\]/,
  /\[custom build\]\s*(Running:.*|Finished.*)?$/,
  /^⎔/,
  /NOSENTRY SQLite alarm overdue/,
];

// After a failed build wrangler prints its own internals, line upon line.
let dumping = false;

// What was started, each in a process group of its own.
const running = [];
let stopping = false;

await asScript(async () => {
  const options = readOptions(OPTIONS, HELP);
  const port = Number(options.port);
  const portalPort = port + 1;
  if (!Number.isInteger(port) || port < 1 || portalPort > 65535) {
    throw new Failure(`--port wants a number from 1 to 65534, not "${options.port}".`);
  }
  await refuseTakenPort(port, ["127.0.0.1", "::1"], "the gate");
  await refuseTakenPort(portalPort, ["127.0.0.1"], "the portal");
  const profile = options.release ? "release" : "dev";
  await build(profile);
  ensureSecrets();
  say("Starting the gate");
  stopOnSignals();
  const gate = start(
    "gate's runtime",
    devCommand({ port, state: resolve(options.state), profile }),
  );
  await untilHealthy(port);
  const portal = start("portal", portalCommand(port, portalPort));
  await untilServed(portalPort);
  for (const { showOutput } of [gate, portal]) showOutput();
  console.log(greeting(port, portalPort));
});

async function refuseTakenPort(port, hosts, who) {
  for (const host of hosts) {
    const error = await new Promise((settle) => {
      const server = createServer().once("error", settle);
      server.listen({ port, host, exclusive: true }, () => server.close(() => settle()));
    });
    if (error?.code === "EADDRINUSE" || error?.code === "EACCES") {
      const why = error.code === "EACCES" ? "may not be used by you" : "is in use";
      throw new Failure(
        `Port ${port}, where ${who} is to listen, ${why}. ` +
          `Choose another: npm start -- --port ${port + 2}`,
      );
    }
  }
}

/** The portal is of another site than the gate: to a browser, 127.0.0.1 is not localhost. */
function portalCommand(port, portalPort) {
  return {
    program: process.execPath,
    args: [
      `--import=${inRoot("scripts", "lib", "end-with-parent.mjs")}`,
      inRoot("examples", "portal", "server.mjs"),
    ],
    env: {
      ...process.env,
      OPERATOR_KEY: process.env.OPERATOR_KEY || secretsOfFile().OPERATOR_KEY,
      GATE_URL: `http://localhost:${port}`,
      EMBED_HOST: "*.localhost",
      HOST: "127.0.0.1",
      PORT: String(portalPort),
    },
  };
}

function secretsOfFile() {
  return parseEnv(readFileSync(secretsFile, "utf8"));
}

/** Runs a program in a process group of its own; keeps its output back until `showOutput`. */
function start(name, { program, args, env }) {
  const child = spawn(program, args, { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  let kept = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      if (kept) kept.push(line);
      else show(line);
    });
  }
  const ended = new Promise((settle) => child.once("close", settle));
  ended.then((code) => {
    if (stopping) return;
    console.error(`${kept?.join("\n") ?? ""}\nThe ${name} ended (exit code ${code}).`);
    process.exit(1);
  });
  const started = {
    group: -child.pid,
    ended,
    showOutput() {
      kept = undefined;
    },
  };
  running.push(started);
  return started;
}

function show(line) {
  const text = line.replace(/^\[undefined\] /, "");
  const plain = text.replace(/\x1b\[[0-9;]*m/g, "");
  if (/Process exited with non-zero status/.test(plain)) dumping = true;
  if (/Running custom build .* failed/.test(plain)) dumping = false;
  if (!dumping && !CHATTER.some((pattern) => pattern.test(plain))) console.log(text);
}

function stopOnSignals() {
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    signalAll("SIGTERM");
    const patience = setTimeout(signalAll, STOP_WITHIN, "SIGKILL");
    await Promise.all(running.map(({ ended }) => ended));
    clearTimeout(patience);
    signalAll("SIGKILL"); // whatever of the groups is still there
    process.exit(0);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, stop);
}

function signalAll(name) {
  for (const { group } of running) {
    try {
      process.kill(group, name);
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }
}

async function untilHealthy(port) {
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
    await pause();
  }
  giveUp(`The gate is not healthy. Its last answer: ${last}`);
}

async function untilServed(port) {
  const deadline = performance.now() + READY_WITHIN;
  while (performance.now() < deadline) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer?.ok) return;
    await pause();
  }
  giveUp("The portal does not answer.");
}

function pause() {
  return new Promise((settle) => setTimeout(settle, 50));
}

function giveUp(message) {
  stopping = true;
  signalAll("SIGKILL");
  throw new Failure(message);
}

function greeting(port, portalPort) {
  const base = `http://localhost:${port}`;
  const key = process.env.OPERATOR_KEY
    ? "The operator key is $OPERATOR_KEY, as the environment has it."
    : "The operator key stands in .dev.vars; this reads it from there, and shows it:\n\n" +
      "  OPERATOR_KEY=$(sed -n 's/^OPERATOR_KEY=//p' .dev.vars); echo $OPERATOR_KEY";
  return `
Gatepass is ready at ${base}

Open in a browser:

  ${base}/gatepass/    the tokens page: sign in with the operator key, and make a token
  http://127.0.0.1:${portalPort}/             a customer portal with two embeds of one app

${key}

Or create a token with curl, and keep it in a variable:

  TOKEN=$(curl -s -u "operator:$OPERATOR_KEY" ${base}/gatepass/api/tokens \\
    -H 'content-type: application/json' \\
    -d '{"name":"My first token","scopes":["jobs:read"],"user":{"email":"you@example.com"}}' \\
    | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

Ask the upstream with it:

  curl -H "Authorization: Bearer $TOKEN" "${base}/api/v1/jobs/?page=1&page_size=3"

Ctrl+C stops everything.
`;
}
