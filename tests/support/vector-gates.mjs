// The built Worker for the vectors of tests/vectors: a gate for each set of options, moment, store and
// host that they name, all in one workerd, each in an isolate of its own whose clock stands still.

import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { gateModules, RAISED_LIMITS } from "./gate.mjs";
import { startAssets } from "./assets.mjs";
import { testCertificate } from "./https.mjs";
import { assertNoFindings, keepToken, keepVariables, mustHoldNone } from "./secrets.mjs";
import { limiterWorker, startKv } from "./stand-ins.mjs";
import { given, STORE } from "./vectors.mjs";
import { startWorkerd } from "./workerd.mjs";

export const OPERATOR_KEY = "the-operator-key-of-the-vectors-gates";

/** The Worker behind all of them: it keeps what it got, and answers what it was told to. */
const APP = {
  name: "app",
  modules: {
    "app.js": `
      let seen;
      let next = {};
      export default {
        async fetch(request) {
          const { method, url, headers } = request;
          if (headers.has("x-next")) return (next = await request.json(), new Response());
          if (headers.has("x-seen")) return Response.json(seen ?? null);
          seen = { method, url, headers: [...headers] };
          const { status = 200, headers: given = [], body } = next;
          return new Response(body ?? null, { status, headers: given });
        },
      };`,
  },
};

/** What vectors have in common that share a gate: what is remembered of one host is not of another. */
const keyOf = ({ options, now, store, request }) =>
  JSON.stringify([options, now, store, hostOf(request.url)]);

const hostOf = (url) => /^https:\/\/([^/]+)/.exec(url)[1];

/** The variables of the Worker that say what options of the package say. */
const variablesOf = (options) =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
      typeof value === "string" ? value : { json: value },
    ]),
  );

/**
 * Starts them.
 *
 * @returns {Promise<{send: Function, app: Function, stop: () => Promise<void>}>} `send(vector, request)`
 *   sends a request to the vector's gate, whatever its URL's host is; `app("x-seen")` tells what the
 *   app got last, `app("x-next", answer)` what it answers from now on
 */
export async function startVectorGates(vectors) {
  keepVariables({ OPERATOR_KEY });
  for (const { token } of Object.values(given.tokens)) keepToken(token);
  const groups = [...new Map(vectors.map((vector) => [keyOf(vector), vector])).values()];
  const kvs = await Promise.all(groups.map(({ store }) => startKvWith(store)));
  const assets = await startAssets();
  const tls = testCertificate();
  const names = groups.map((_, i) => `gate-${i}`);
  const workerd = await startWorkerd({
    workers: [
      ...groups.map(({ options, now }, i) => ({
        name: names[i],
        modules: { "entry.js": frozen(now), ...gateModules() },
        durableObjects: { Ledger: {}, Directory: {} },
        bindings: {
          ...{ UPSTREAM: "service:APP", APP: { service: "app" }, OPERATOR_KEY },
          ...{ LIMITS: { json: RAISED_LIMITS }, COMPAT: { json: [] }, ...variablesOf(options) },
          RECORDS: { kvNamespace: `kv-${i}` },
          LEDGER: { durableObject: "Ledger" },
          DIRECTORY: { durableObject: "Directory" },
          LOOKUPS_BY_ADDRESS: { service: "limiter" },
          LOOKUPS_BY_LEDGER: { service: "limiter" },
          ASSETS: { service: "assets" },
        },
      })),
      limiterWorker("limiter"),
      APP,
    ],
    servers: {
      assets: assets.address,
      ...Object.fromEntries(kvs.map(({ address }, i) => [`kv-${i}`, address])),
    },
    sockets: {
      ...Object.fromEntries(names.map((name) => [name, { service: name, tls }])),
      app: "app",
    },
  });
  const { ports } = workerd;
  const numbers = new Map(groups.map((group, i) => [keyOf(group), i]));

  async function app(what, body) {
    const options = { method: "POST", headers: { [what]: "1" }, body: JSON.stringify(body ?? {}) };
    const answer = await fetch(`http://127.0.0.1:${ports.app}`, options);
    return what === "x-seen" ? answer.json() : answer.text();
  }

  return {
    send: (vector, request) => send(ports[names[numbers.get(keyOf(vector))]], request),
    app,
    async stop() {
      await workerd.stop();
      await Promise.all([...kvs, assets].map((server) => server.stop()));
      mustHoldNone(workerd.stderr(), "the log");
      for (const { values } of kvs) mustHoldNone([...values].join("\n"), "KV");
      assertNoFindings();
    },
  };
}

/** The Worker's entry, in an isolate in which it is always now. */
const frozen = (now) => `
  Date.now = () => ${now};
  export * from "./src/worker/entry.js";
  export { default } from "./src/worker/entry.js";`;

async function startKvWith(store) {
  const kv = await startKv();
  for (const [key, value] of [...STORE, ...store]) kv.values.set(key, value);
  for (const [key, value] of store) if (value === null) kv.values.delete(key);
  return kv;
}

/** Sends a request, and answers as a client gets it: status, headers in order, body. */
function send(port, { method = "GET", url, headers = [], body }) {
  const host = hostOf(url);
  return new Promise((done, failed) => {
    const request = httpsRequest({
      ...{ host: "127.0.0.1", port, method, path: url.slice(`https://${host}`.length) },
      ...{ headers: [["host", host], ...headers].flat(), agent: false },
      ...{ ca: testCertificate().certificate, checkServerIdentity: () => undefined },
    });
    request.on("error", failed);
    request.on("response", async (message) => {
      const { statusCode: status, rawHeaders: raw } = message;
      const answered = raw.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), raw[i + 1]]]));
      done({ status, headers: answered, body: await text(message).catch(failed) });
    });
    request.end(body);
  });
}
