// The gate for end-to-end tests: as people run it, and on raw workerd with whatever a test wants
// around it.

import { spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startAssets } from "./assets.mjs";
import { fetchTest, testCertificate } from "./https.mjs";
import { assertKeptSecret, noteRequest, watchPorts } from "./secrecy.mjs";
import { keepVariables } from "./secrets.mjs";
import { limiterWorker, objectsWorker, startKv } from "./stand-ins.mjs";
import { basic } from "./tokens.mjs";
import { SEEN, upstreamWorker, watched } from "./upstream.mjs";
import { startWorkerd } from "./workerd.mjs";

const ROOT = new URL("../../", import.meta.url);
const START_TIMEOUT = 180_000;
const STOP_TIMEOUT = 10_000;

/** The rules that development has. */
export const DEVELOPMENT_ROUTES = [
  { path: "/public/*", public: true },
  { methods: ["GET"], path: "/api/v1/*", scopes: ["jobs:read"] },
  { path: "/api/v1/*", scopes: ["jobs:write"] },
  { path: "/odata/*", scopes: ["odata"] },
];

/** Limits that no test comes near by accident. */
export const RAISED_LIMITS = { creations: 100_000, failures: 100_000 };

/** Every scope that those rules ask for, and `tokens`. */
export const ALL_SCOPES = ["jobs:read", "jobs:write", "odata", "tokens"];

/**
 * Starts the release build as `npm start` does, with secrets of its own.
 *
 * @param {object} [options]
 * @param {string} [options.state] where state is kept; by default a folder that `stop` removes
 * @param {Record<string, string>} [options.env] more environment, or other secrets
 */
export async function startGate({ state, env = {} } = {}) {
  const folder = state ?? (await mkdtemp(join(tmpdir(), "gatepass-state-")));
  const port = await freePort();
  const secrets = makeSecrets();
  keepVariables({ ...secrets, ...env });
  const unwatchPorts = watchPorts([port]);
  const child = spawn(
    process.execPath,
    ["scripts/start.mjs", "--release", "--port", String(port), "--state", folder],
    {
      cwd: fileURLToPath(ROOT),
      env: { ...process.env, ...secrets, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  }
  const ended = new Promise((done) => child.once("close", done));
  const runtimes = () => descendants(child.pid, "workerd");

  async function end(signal) {
    const pids = await runtimes();
    child.kill(signal);
    const timer = setTimeout(killed, STOP_TIMEOUT);
    await ended;
    clearTimeout(timer);
    process.off("exit", killed);
    await gone(pids);
    unwatchPorts();
    try {
      await assertKeptSecret({ output, folder });
    } finally {
      if (state === undefined) await rm(folder, { recursive: true, force: true });
    }
  }

  const gate = {
    port,
    url: `http://127.0.0.1:${port}`,
    operatorKey: env.OPERATOR_KEY ?? secrets.OPERATOR_KEY,
    output: () => output,
    /** The memory of the workerd processes that it started, in bytes. */
    memory: async () =>
      (await Promise.all((await runtimes()).map(residentBytes))).reduce((a, b) => a + b, 0),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
  try {
    await ready(ended, () => output);
  } catch (error) {
    await gate.kill();
    throw error;
  }
  return Object.assign(gate, clientOf(gate));
}

/**
 * Starts the built Worker on raw workerd.
 *
 * @param {object} [options]
 * @param {Record<string, any>} [options.vars] variables and secrets over the usual ones; `undefined`
 *   leaves one out
 * @param {string[]} [options.without] bindings to leave out
 * @param {object} [options.ledger] what `startObjects` answered, instead of or before real ledgers
 * @param {object} [options.directory] the same for directories
 * @param {object} [options.limiter] options of `limiterWorker`
 * @param {Record<string, string>} [options.servers] further services outside workerd, by name
 * @param {object} [options.upstream] the Worker behind the gate, by default the demo upstream; or
 *   `{server: <name>}`, one of `servers`
 * @param {object[]} [options.workers] further Workers
 * @param {Record<string, string>} [options.services] which of them further service bindings lead to
 * @param {Record<string, string | object>} [options.sockets] further sockets of `startWorkerd`
 * @param {string} [options.https] a name that ends in `.test`: the gate is served by HTTPS alone,
 *   `url` has that name, and every other such name leads to it too (`fetchTest`, `launchBrowser`)
 * @param {boolean | Record<string, any>} [options.second] whether a second isolate of the same
 *   deployment listens, on `ports.second`: it remembers nothing of what the first one learned; as an
 *   object, variables over the first one's
 * @param {number} [options.port] for who must know it before (`freePort`); by default a free one
 * @param {object} [options.kv] what `startKv` answered, to outlive the gate; by default its own
 * @param {object} [options.assets] what `startAssets` answered, to be made to fail
 * @param {string} [options.storage] an existing folder for the objects, to outlive the gate
 */
export async function startRawGate(options = {}) {
  const kv = options.kv ?? (await startKv());
  const storage = options.storage ?? (await mkdtemp(join(tmpdir(), "gatepass-objects-")));
  const assets = options.assets ?? (await startAssets());
  const stopServers = () =>
    Promise.all([
      options.kv ? undefined : kv.stop(),
      assets.stop(),
      options.storage ? undefined : rm(storage, { recursive: true, force: true }),
    ]);
  const { vars = {}, without = [], ledger, directory, upstream = upstreamWorker() } = options;
  const { https, port, second } = options;
  const secrets = makeSecrets();
  const variables = {
    ...{ DEVELOPMENT: true, UPSTREAM: "service:DEMO", ROUTES: DEVELOPMENT_ROUTES, APPS: [] },
    LIMITS: RAISED_LIMITS,
    ...secrets,
    ...vars,
  };
  keepVariables(variables);
  const bindings = {
    ...variableBindings(variables),
    RECORDS: { kvNamespace: "kv" },
    LEDGER: objectsBinding("Ledger", ledger && "ledgers"),
    DIRECTORY: objectsBinding("Directory", directory && "directories"),
    LOOKUPS_BY_ADDRESS: { service: "limiter" },
    LOOKUPS_BY_LEDGER: { service: "limiter" },
    ASSETS: { service: "assets" },
    DEMO: { service: upstream.server ?? upstream.name },
  };
  for (const [name, service] of Object.entries(options.services ?? {}))
    bindings[name] = { service };
  for (const name of without) delete bindings[name];
  const workerd = await startWorkerd({
    workers: [
      {
        name: "gatepass",
        modules: gateModules(),
        bindings,
        durableObjects: { Ledger: {}, Directory: {} },
        storage,
      },
      ...(second ? [secondIsolate(bindings, second)] : []),
      limiterWorker("limiter", options.limiter),
      ...(upstream.server ? [] : [watched(upstream)]),
      ...(ledger ? [objectsWorker("ledgers", "ledger server", "Ledger")] : []),
      ...(directory ? [objectsWorker("directories", "directory server", "Directory")] : []),
      ...(options.workers ?? []),
    ],
    servers: {
      kv: kv.address,
      assets: assets.address,
      ...(ledger && { "ledger server": ledger.address }),
      ...(directory && { "directory server": directory.address }),
      ...options.servers,
    },
    sockets: {
      http: { service: "gatepass", port, tls: https && testCertificate() },
      ...(second && { second: "second" }),
      ...(!upstream.server && { seen: { service: upstream.name, entrypoint: SEEN } }),
      ...options.sockets,
    },
  }).catch(async (error) => {
    await stopServers();
    throw error;
  });
  const { http, second: other = http, seen } = workerd.ports;
  const unwatchPorts = watchPorts([http, other]);

  let ended;
  async function end(how) {
    const requests = seen && (await fetch(`http://127.0.0.1:${seen}`).catch(() => undefined));
    for (const request of (await requests?.json()) ?? []) noteRequest("the upstream", request);
    await workerd[how]();
    unwatchPorts();
    try {
      await assertKeptSecret({ output: workerd.stderr(), kv: kv.values, folder: storage });
    } finally {
      await stopServers();
    }
  }

  const gate = {
    ...{ port: workerd.port, ports: workerd.ports, pid: workerd.pid },
    url: https ? `https://${https}:${workerd.port}` : workerd.url,
    operatorKey: variables.OPERATOR_KEY,
    output: workerd.stderr,
    memory: () => residentBytes(workerd.pid),
    kv,
    stop: () => (ended ??= end("stop")),
    kill: () => (ended ??= end("kill")),
  };
  return Object.assign(gate, clientOf(gate));
}

/** The same Worker once more, with the first one's objects. */
function secondIsolate(bindings, vars) {
  const kept = Object.entries(bindings).filter(([name]) => !Object.hasOwn(vars, name));
  const objects = kept.map(([name, binding]) => {
    const shared = binding.durableObject && !binding.worker;
    return [name, shared ? { ...binding, worker: "gatepass" } : binding];
  });
  const own = { ...Object.fromEntries(objects), ...variableBindings(vars) };
  return { name: "second", modules: gateModules(), bindings: own };
}

function variableBindings(variables) {
  return Object.fromEntries(
    Object.entries(variables)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === "string" ? value : { json: value }]),
  );
}

function objectsBinding(className, standIn) {
  if (standIn) return { durableObject: "StandIn", worker: standIn };
  return { durableObject: className };
}

/** The Worker as it is shipped, module by module; its entry comes first. */
export function gateModules() {
  const folders = ["src/worker/", "src/shell/", "build/"];
  const files = folders.flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true })
      .filter((name) => /\.(js|wasm)$/.test(name))
      .map((name) => folder + name),
  );
  const names = new Set(["src/worker/entry.js", ...files]);
  return Object.fromEntries([...names].map((name) => [name, new URL(name, ROOT)]));
}

/** Calls of the management API, as the operator unless `auth` says otherwise. */
function clientOf({ url, operatorKey }) {
  const ask = url.startsWith("https:") ? fetchTest : fetch;

  async function api(method, path, body, { auth = basic("operator", operatorKey), headers } = {}) {
    const answer = await ask(`${url}/gatepass/api${path}`, {
      method,
      headers: { authorization: auth, "content-type": "application/json", ...headers },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const json = /\bjson\b/.test(answer.headers.get("content-type") ?? "");
    return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
  }

  async function createToken(fields = {}, options) {
    const user = { id: "ada", email: "ada@example.com" };
    const body = { name: "a test's", scopes: ALL_SCOPES, user, ...fields };
    const answer = await api("POST", "/tokens", body, options);
    if (answer.status !== 201) {
      throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  return { api, createToken };
}

function makeSecrets() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...privateKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" };
  return {
    OPERATOR_KEY: randomBytes(32).toString("base64url"),
    SESSION_KEYS: `k1:${randomBytes(32).toString("base64")}`,
    ASSERTION_KEY: JSON.stringify(key),
  };
}

async function ready(ended, output) {
  const deadline = performance.now() + START_TIMEOUT;
  let over = false;
  ended.then(() => (over = true));
  while (!output().includes("Gatepass is ready at ")) {
    if (over) throw new Error(`the gate ended before it was ready\n${output()}`);
    if (performance.now() > deadline) throw new Error(`the gate is not ready\n${output()}`);
    await pause(50);
  }
}

/** A port that nobody uses, and the next one, outside the range that the system gives to clients. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + 2 * Math.floor(Math.random() * 5_000);
    const addresses = [port, port + 1].flatMap((port) => [
      [port, "127.0.0.1"],
      [port, "::1"],
    ]);
    const free = await Promise.all(addresses.map(([port, host]) => canListen(port, host)));
    if (free.every(Boolean)) return port;
  }
}

function canListen(port, host) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", (error) => done(error.code === "EADDRNOTAVAIL"));
    server.listen({ port, host }, () => server.close(() => done(true)));
  });
}

/** The process ids of that command among all that a process has started. */
async function descendants(pid, command) {
  const found = [];
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  for (const task of tasks) {
    const list = await readFile(`/proc/${pid}/task/${task}/children`, "utf8").catch(() => "");
    for (const child of list.split(" ").filter(Boolean)) {
      const name = await readFile(`/proc/${child}/comm`, "utf8").catch(() => "");
      if (name.trim() === command) found.push(Number(child));
      found.push(...(await descendants(child, command)));
    }
  }
  return found;
}

async function residentBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;
}

async function gone(pids) {
  const deadline = performance.now() + STOP_TIMEOUT;
  while (pids.some(isAlive) && performance.now() < deadline) await pause(20);
  const left = pids.filter(isAlive);
  if (left.length > 0) throw new Error(`workerd outlived its gate: ${left}`);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
