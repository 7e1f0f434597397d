// Workers on raw workerd, with their bindings pointed wherever a test wants
// them: at another Worker, at a KV stand-in that fails, at a plain TCP server.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { createInterface } from "node:readline";

const START_TIMEOUT = 20_000;
// workerd first lets requests in flight end; what it stores survives a kill.
const STOP_TIMEOUT = 1_000;

/** The compatibility date of a Worker that names none. */
export const COMPATIBILITY_DATE = "2026-11-17";

/**
 * Starts workerd and waits until it listens, on 127.0.0.1.
 *
 * @param {object} options
 * @param {Worker[]} options.workers the Workers, each a service of its name
 * @param {Record<string, string>} [options.servers] service name → `host:port`
 *   of an HTTP server outside workerd
 * @param {Record<string, string | Socket>} [options.sockets] socket name → the
 *   service that answers there; by default `http`, the first Worker
 * @param {string[]} [options.flags] further arguments of `workerd serve`
 * @returns {Promise<Running>}
 *
 * @typedef {object} Worker
 * @property {string} name the service's name
 * @property {Record<string, string | URL | Uint8Array>} modules name → source
 *   text, a `file:` URL to read, or bytes; the first is the entry. The name's
 *   ending tells the kind: `.js` and `.mjs`, `.wasm`, `.json`, `.txt`, `.html`,
 *   all else is data
 * @property {Record<string, string | Binding>} [bindings] a string is a text
 * @property {Record<string, {sql?: boolean, uniqueKey?: string}>}
 *   [durableObjects] class name → how it is stored: `sql` is true by default
 *   (`enableSql`), `uniqueKey` is the class name by default
 * @property {string} [storage] an existing folder for its Durable Objects;
 *   without it, one that `stop` removes (workerd's in-memory storage has no SQL)
 * @property {string} [compatibilityDate] `COMPATIBILITY_DATE` by default
 * @property {string[]} [compatibilityFlags] none by default
 * @property {string} [globalOutbound] the service that gets what `fetch` sends;
 *   by default the network, loopback addresses included
 *
 * @typedef {object} Binding exactly one of
 * @property {any} [json] a value, parsed
 * @property {Uint8Array} [data] an ArrayBuffer
 * @property {string} [service] the service of that name
 * @property {string} [entrypoint] with `service`: its named entrypoint
 * @property {string} [kvNamespace] the service that stands in for KV: it gets
 *   `GET`, `PUT` and `DELETE /<encoded key>` with the options in the query
 * @property {string} [durableObject] the namespace of that class
 * @property {string} [worker] with `durableObject`: the Worker that has the
 *   class, if it is another one
 * @property {string} [capnp] any other field of workerd's `Worker.Binding`, as
 *   configuration text
 *
 * @typedef {object} Socket
 * @property {string} service the service that answers there
 * @property {string} [entrypoint] its named entrypoint
 * @property {number} [port] by default a free one
 * @property {{key: string, certificate: string}} [tls] PEM; with it the socket
 *   speaks HTTPS alone, and the URLs that Workers see are `https:`
 *
 * @typedef {object} Running
 * @property {number} port the first socket's
 * @property {string} url `http://127.0.0.1:<port>` or `https:`, without a slash
 * @property {Record<string, number>} ports socket name → port
 * @property {number} pid workerd's
 * @property {() => string} stderr what workerd and the Workers wrote so far
 * @property {() => Promise<void>} stop ends workerd and removes its files;
 *   stopping twice does no harm
 * @property {() => Promise<void>} kill the same by SIGKILL
 */
export async function startWorkerd({
  workers,
  servers = {},
  sockets = { http: workers[0].name },
  flags = [],
}) {
  const folder = await mkdtemp(join(tmpdir(), "gatepass-workerd-"));
  try {
    const config = await writeConfig(folder, { workers, servers, sockets });
    return await run(folder, config, { sockets, flags });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function run(folder, config, { sockets, flags }) {
  const child = spawn(workerdBinary(), ["serve", "--control-fd=3", ...flags, config], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);
  let stderr = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (stderr += text));
  }
  const exited = new Promise((ended) => {
    child.once("exit", ended);
    child.once("error", ended);
  });

  async function end(signal) {
    child.kill(signal);
    const timer = setTimeout(killed, STOP_TIMEOUT);
    await exited;
    clearTimeout(timer);
    process.off("exit", killed);
    await rm(folder, { recursive: true, force: true });
  }

  try {
    const names = Object.keys(sockets);
    const ports = await listening(child, names, exited);
    const port = ports[names[0]];
    const scheme = sockets[names[0]].tls ? "https" : "http";
    const url = `${scheme}://127.0.0.1:${port}`;
    const stop = () => end("SIGTERM");
    const kill = () => end("SIGKILL");
    return { port, url, ports, pid: child.pid, stderr: () => stderr, stop, kill };
  } catch (error) {
    await end("SIGTERM");
    throw new Error(`${error.message}\n${stderr}`);
  }
}

/** The port of each socket, as workerd reports them on its control pipe. */
function listening(child, names, exited) {
  return new Promise((done, fail) => {
    const ports = {};
    const timer = setTimeout(() => fail(new Error("workerd does not listen")), START_TIMEOUT);
    createInterface({ input: child.stdio[3] }).on("line", (line) => {
      const { event, socket, port } = JSON.parse(line);
      if (event !== "listen") return;
      ports[socket] = port;
      if (!names.every((name) => name in ports)) return;
      clearTimeout(timer);
      done(ports);
    });
    exited.then(() => {
      clearTimeout(timer);
      fail(new Error("workerd ended before it listened"));
    });
  });
}

/** workerd's own binary, from the package that wrangler depends on. */
function workerdBinary() {
  const require = createRequire(import.meta.url);
  const wrangler = createRequire(require.resolve("wrangler/package.json"));
  return wrangler("workerd").default;
}

async function writeConfig(folder, { workers, servers, sockets }) {
  const disks = await Promise.all(
    workers
      .filter(({ durableObjects }) => durableObjects !== undefined)
      .map((worker) => disk(folder, worker)),
  );
  const services = [
    `(name = "network", network = (allow = ["public", "private"]))`,
    ...workers.map(({ name }, i) => `(name = ${quote(name)}, worker = .w${i})`),
    ...Object.entries(servers).map(
      ([name, address]) =>
        `(name = ${quote(name)}, external = (address = ${quote(address)}, http = ()))`,
    ),
    ...disks,
  ];
  const listeners = Object.entries(sockets).map(listener);
  const constants = await Promise.all(workers.map((worker, i) => workerConfig(folder, worker, i)));
  const text = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = ${list(services)},
  sockets = ${list(listeners)},
);
${constants.join("\n")}`;
  const path = join(folder, "config.capnp");
  await writeFile(path, text);
  return path;
}

function listener([name, socket]) {
  const {
    service,
    entrypoint,
    port = 0,
    tls,
  } = typeof socket === "string" ? { service: socket } : socket;
  const address = quote(`127.0.0.1:${port}`);
  const kind = tls ? `https = (tlsOptions = (keypair = ${keypair(tls)}))` : "http = ()";
  const answerer = designator(service, entrypoint);
  return `(name = ${quote(name)}, address = ${address}, ${kind}, service = ${answerer})`;
}

const designator = (service, entrypoint) =>
  entrypoint === undefined
    ? quote(service)
    : `(name = ${quote(service)}, entrypoint = ${quote(entrypoint)})`;

const keypair = ({ key, certificate }) =>
  `(privateKey = ${quote(key)}, certificateChain = ${quote(certificate)})`;

/** Where a Worker's Durable Objects are kept. */
async function disk(folder, { name, storage }) {
  const path = resolve(storage ?? join(folder, `${name} storage`));
  if (storage === undefined) await mkdir(path);
  return `(name = ${quote(`${name} disk`)}, disk = (path = ${quote(path)}, writable = true))`;
}

async function workerConfig(folder, worker, index) {
  const modules = await Promise.all(
    Object.entries(worker.modules).map(async ([name, content], i) => {
      const file = `w${index}-${i}`;
      const bytes = content instanceof URL ? await readFile(content) : content;
      await writeFile(join(folder, file), bytes);
      return `(name = ${quote(name)}, ${moduleKind(name)} = embed ${quote(file)})`;
    }),
  );
  const classes = Object.entries(worker.durableObjects ?? {}).map(
    ([className, { sql = true, uniqueKey = className }]) =>
      `(className = ${quote(className)}, uniqueKey = ${quote(uniqueKey)}, enableSql = ${sql})`,
  );
  const storage =
    worker.durableObjects === undefined
      ? "none = void"
      : `localDisk = ${quote(`${worker.name} disk`)}`;
  const bindings = Object.entries(worker.bindings ?? {}).map(
    ([name, binding]) => `(name = ${quote(name)}, ${bindingField(binding)})`,
  );
  const flags = (worker.compatibilityFlags ?? []).map(quote);
  return `const w${index} :Workerd.Worker = (
  modules = ${list(modules)},
  compatibilityDate = ${quote(worker.compatibilityDate ?? COMPATIBILITY_DATE)},
  compatibilityFlags = ${list(flags)},
  bindings = ${list(bindings)},
  durableObjectNamespaces = ${list(classes)},
  durableObjectStorage = (${storage}),
  globalOutbound = ${quote(worker.globalOutbound ?? "network")},
);`;
}

function moduleKind(name) {
  const kinds = {
    ".js": "esModule",
    ".mjs": "esModule",
    ".wasm": "wasm",
    ".json": "json",
    ".txt": "text",
    ".html": "text",
  };
  return kinds[extname(name)] ?? "data";
}

function bindingField(binding) {
  if (typeof binding === "string") return `text = ${quote(binding)}`;
  if ("json" in binding) return `json = ${quote(JSON.stringify(binding.json))}`;
  if ("data" in binding) {
    return `data = 0x"${Buffer.from(binding.data).toString("hex")}"`;
  }
  if ("service" in binding) {
    return `service = ${designator(binding.service, binding.entrypoint)}`;
  }
  if ("kvNamespace" in binding) {
    return `kvNamespace = ${quote(binding.kvNamespace)}`;
  }
  if ("durableObject" in binding) {
    const { durableObject, worker } = binding;
    if (worker === undefined) {
      return `durableObjectNamespace = ${quote(durableObject)}`;
    }
    return `durableObjectNamespace = (className = ${quote(durableObject)}, serviceName = ${quote(worker)})`;
  }
  return binding.capnp;
}

function list(items) {
  return items.length === 0 ? "[]" : `[\n    ${items.join(",\n    ")}\n  ]`;
}

/** A text literal of Cap'n Proto. */
function quote(text) {
  const escaped = text.replace(
    /["\\\x00-\x1f\x7f]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
