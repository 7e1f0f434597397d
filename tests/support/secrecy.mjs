// What the witness of secrets is told: what clients of a gate were answered, what servers behind it
// were sent, what it left behind. Here is all that may show a secret, and to whom.

import { readFile } from "node:fs/promises";
import {
  assertNoFindings,
  keepJwt,
  keepSession,
  keepToken,
  mustHoldNone,
  noteFinding,
  secretsIn,
} from "./secrets.mjs";
import { filesIn } from "./state.mjs";

/** What shows a new token, once. */
const CREATIONS = [
  /^\/gatepass\/api\/tokens$/,
  /^\/gatepass\/api\/tokens\/[^/]+\/rotate$/,
  /^\/api\/ext\/users\/personal-access-token$/,
  /^\/api\/v1\/auth\/generate-pat$/,
];

/** What the upstream gets by design, and may show. */
const UPSTREAMS = ["UPSTREAM_AUTHORIZATION", "an assertion"];

const TOKEN = /\bpat_(?:embed_)?[0-9A-Za-z]{36}(?![0-9A-Za-z])/g;
const SESSION = /^__Host-(?:gp-[a-z2-7]{16}|gatepass)=([^;]+)/;
const OWN_COOKIE = /__Host-(?:gp-|gatepass)/i;

const gates = new Set();

/** What listens at these ports is a gate from now on. Answers what takes that back. */
export function watchPorts(ports) {
  const added = ports.map(Number);
  for (const port of added) gates.add(port);
  return () => added.forEach((port) => gates.delete(port));
}

/** Notes what a client was answered at a port; what is no gate's is not looked at. */
export function noteAnswer({ port, method, target }, { status, headers, body = "" }) {
  if (!gates.has(Number(port))) return;
  const [path] = target.split("?");
  const shown = secretsIn(path).size === 0 ? path : "a path with a secret";
  const where = `the answer ${status} to ${method} ${shown}`;
  const mayHold = path.startsWith("/gatepass/") ? [] : UPSTREAMS;
  const others = headers.filter(([name, value]) => !isSession(name, value));
  mustHoldNone(JSON.stringify(others), where, mayHold);
  const creates = method === "POST" && status < 300 && CREATIONS.some((known) => known.test(path));
  mustHoldNone(creates ? withoutNewTokens(String(body)) : body, where, mayHold);
}

/** Whether a header gives a browser a session; if so, the session is registered. */
function isSession(name, value) {
  const [, session] = (name.toLowerCase() === "set-cookie" && SESSION.exec(value)) || [];
  if (session) keepSession(session);
  return session !== undefined;
}

/** An answer without the tokens that it is the first to show. */
function withoutNewTokens(text) {
  const shown = [...new Set(text.match(TOKEN))];
  return shown.filter(keepToken).reduce((rest, token) => rest.replaceAll(token, ""), text);
}

/** Notes what a server beside or behind the gate was sent: the head, the body is the client's. */
export function noteRequest(server, { method, url, headers }) {
  for (const [name, value] of headers) {
    if (name.toLowerCase() === "gatepass-assertion") keepJwt(value, "an assertion");
  }
  const head = [`${method} ${url}`, ...headers.map((header) => header.join(": "))].join("\n");
  const where = `a request to ${server}`;
  mustHoldNone(head, where, UPSTREAMS);
  if (head.match(TOKEN)) noteFinding(`something of a token's shape stands in ${where}`);
  if (OWN_COOKIE.test(head)) noteFinding(`a cookie of Gatepass's own stands in ${where}`);
}

/** Looks at what a gate leaves behind, and throws if a secret was found since this was last done. */
export async function assertKeptSecret({ output, kv = new Map(), folder }) {
  mustHoldNone(output, "the log");
  for (const [key, value] of kv) mustHoldNone(`${key} ${value}`, "KV");
  for (const file of await filesIn(folder)) {
    const [place] = /(?<=\/)(?:Ledger|Directory|kv|cache)(?=\/)/.exec(file) ?? ["the state"];
    mustHoldNone(await readFile(file).catch(() => ""), `a file of ${place}`);
  }
  assertNoFindings();
}

/** Notes what `fetch` answers to this process: the head at once, the body when it is read. */
function watchFetch() {
  const ask = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const { method, url } = new Request(input, { ...init, body: undefined, signal: undefined });
    return watchResponse({ method, url }, await ask(input, init));
  };
}

/** Notes a response: the head at once, the body when it is read. */
export function watchResponse({ method, url }, response) {
  const { port, pathname, search } = new URL(url);
  if (!gates.has(Number(port))) return response;
  const asked = { port, method, target: pathname + search };
  const answered = { status: response.status, headers: [...response.headers] };
  noteAnswer(asked, answered);
  const read = async () => {
    const body = await Response.prototype.arrayBuffer.call(response);
    noteAnswer(asked, { ...answered, body: Buffer.from(body) });
    return body;
  };
  const text = async () => new TextDecoder().decode(await read());
  return Object.assign(response, {
    arrayBuffer: read,
    text,
    json: async () => JSON.parse(await text()),
  });
}

watchFetch();
