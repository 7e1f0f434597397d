// What stands in for the platform's services around a gate on raw workerd. Each is a plain HTTP
// server in the test's own process, so that a test sees every call and can make any of them fail.

import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { noteRequest } from "./secrecy.mjs";
import { mustHoldNone } from "./secrets.mjs";

/**
 * A server on a free port of 127.0.0.1.
 *
 * @param {import("node:http").RequestListener} listener may be asynchronous
 * @returns {Promise<{address: string, port: number, url: string, onUpgrade: Function,
 *   stop: () => Promise<void>}>} `onUpgrade` takes what handles WebSockets: `(request, socket)`
 */
export async function startServer(listener) {
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    try {
      await listener(request, response);
    } catch (error) {
      response.destroy(error);
    }
  });
  server.requestTimeout = 0;
  for (const event of ["request", "upgrade"]) server.on(event, noteArrived);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  const stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  const onUpgrade = (listener) => server.on("upgrade", listener);
  return { address: `127.0.0.1:${port}`, port, url: `http://127.0.0.1:${port}`, onUpgrade, stop };
}

function noteArrived({ method, url, rawHeaders: raw }) {
  const headers = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]]] : []));
  noteRequest("a server of the test", { method, url, headers });
}

/**
 * KV. `values` is what it holds, by key. `faults` says, by key, what it does instead of reading:
 * `"throws"`, `"hangs"`, or whatever a function of key and value answers; `fault`, the same for
 * every key. `putFault` is what it does instead of writing: the same, or `"denies"`, which throws
 * though it has written.
 */
export async function startKv() {
  const values = new Map();
  const faults = new Map();
  const kv = { values, faults, fault: undefined, putFault: undefined, reads: [], writes: [] };
  const server = await startServer(async (request, response) => {
    const key = decodeURIComponent(request.url.slice(1).split("?")[0]);
    const isRead = request.method === "GET";
    const body = await text(request);
    mustHoldNone(body, "what KV is sent");
    (isRead ? kv.reads : kv.writes).push(key);
    const fault = isRead ? (faults.get(key) ?? kv.fault) : kv.putFault;
    if (fault === "hangs") return;
    if (fault === "throws") return response.writeHead(500).end("KV is out of order");
    if (request.method === "PUT") values.set(key, body);
    if (request.method === "DELETE") values.delete(key);
    if (fault === "denies") return response.writeHead(500).end("KV is out of order");
    const held = values.get(key);
    const value = typeof fault === "function" ? await fault(key, held) : held;
    response.writeHead(isRead && value === undefined ? 404 : 200).end(isRead ? value : undefined);
  });
  return Object.assign(kv, { address: server.address, stop: server.stop });
}

/**
 * Durable Objects of one class. `answer(command, name)` answers a call, whose command is JSON or a
 * text: an object is sent as JSON, a string as it is, a number is a status; `"throws"` and `"hangs"`
 * are what they say, and `"passes"` has the gate's own object answer.
 */
export async function startObjects(answer) {
  const objects = { answer, calls: [] };
  const server = await startServer(async (request, response) => {
    const name = decodeURIComponent(request.url.slice(1));
    const body = await text(request);
    mustHoldNone(body, "what a Durable Object is sent");
    const command = readCommand(body);
    objects.calls.push({ name, command });
    const given = await objects.answer(command, name);
    if (given === "hangs") return;
    if (given === "throws") return response.writeHead(500, { "x-throw": "1" }).end();
    if (given === "passes") return response.writeHead(200, { "x-pass": "1" }).end();
    if (typeof given === "number") return response.writeHead(given).end("{}");
    response.end(typeof given === "string" ? given : JSON.stringify(given));
  });
  return Object.assign(objects, { address: server.address, stop: server.stop });
}

/** Look-ups are JSON; what the token API says to its authorities is not. */
function readCommand(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The Worker whose Durable Objects pass each call on to the server of `startObjects`, which may have
 * it answered by the gate's own object of a class.
 */
export function objectsWorker(name, server, className) {
  const source = `
    import { DurableObject } from "cloudflare:workers";
    export class StandIn extends DurableObject {
      async fetch(request) {
        const { name } = this.ctx.id;
        const init = { method: "POST", body: await request.text() };
        const url = "http://stand-in/" + encodeURIComponent(name ?? "");
        const answer = await this.env.SERVER.fetch(url, init);
        if (answer.headers.has("x-throw")) throw new Error("this object is out of order");
        if (answer.headers.has("x-pass")) return this.env.OWN.getByName(name).fetch(request.url, init);
        return answer;
      }
    }
    export default { fetch: () => new Response(null, { status: 404 }) };`;
  return {
    name,
    modules: { "worker.js": source },
    bindings: {
      SERVER: { service: server },
      OWN: { durableObject: className, worker: "gatepass" },
    },
    durableObjects: { StandIn: { uniqueKey: name } },
  };
}

/**
 * A rate limiter by RPC: it lets `budget` calls of a key pass, and throws for the key `thrown`. With
 * `server`, a service outside workerd, it waits for that one's answer first, and throws unless it is
 * a success. After 100,000 keys it begins anew, so that its memory is bounded.
 */
export function limiterWorker(name, { budget = 1e9, thrown = null, server } = {}) {
  const source = `
    import { WorkerEntrypoint } from "cloudflare:workers";
    const used = new Map();
    export default class extends WorkerEntrypoint {
      async limit({ key }) {
        const answer = await this.env.SERVER?.fetch("http://limiter/");
        if (answer?.ok === false || key === ${JSON.stringify(thrown)}) throw new Error("the limiter is out of order");
        const count = (used.get(key) ?? 0) + 1;
        if (used.size > 100_000) used.clear();
        used.set(key, count);
        return { success: count <= ${budget} };
      }
    }`;
  const bindings = server ? { SERVER: { service: server } } : {};
  return { name, modules: { "worker.js": source }, bindings };
}
