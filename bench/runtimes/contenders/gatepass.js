// Gatepass as the npm package has it: a PAT and an embed's session, with the record at hand.

import {
  createGate,
  digestToken,
  generateToken,
  openSession,
  parseToken,
  sealSession,
} from "gatepass";
import { memoryStore } from "gatepass/stores/memory";
import { bearer, requestsOf, requestsWith, secret } from "./requests.js";

const PORTAL = "https://portal.example";

const ROUTES = [
  { path: "/public/*", public: true },
  { methods: ["GET"], path: "/api/v1/*", scopes: ["jobs:read"] },
  { path: "/api/v1/*", scopes: ["jobs:write"] },
  { path: "/odata/*", scopes: ["odata"] },
];

const user = { id: "ada", email: "ada@example.com" };
const context = { address: "192.0.2.17" };

const sessionKeys = () => `k1:${secret()}`;

/** A gate with records in memory. */
function makeGate(keys = sessionKeys()) {
  const apps = [{ id: "jobs", name: "Jobs" }];
  const embedHost = "*.embed.example.net";
  return createGate({ store: memoryStore(), routes: ROUTES, apps, embedHost, sessionKeys: keys });
}

/** A gate with a token for it. */
export async function makeGateAndRequest() {
  const gate = makeGate();
  const { token } = await gate.tokens.create({ name: "a client", user, scopes: ["jobs:read"] });
  return { gate, request: requestsWith(bearer(token))() };
}

export async function pat() {
  const gate = makeGate();
  const scopes = ["jobs:read", "odata"];
  const { token: good } = await gate.tokens.create({ name: "a client", user, scopes });
  const wrong = generateToken("pat", user.id);
  return { requests: requestsOf(bearer, { good, wrong }), check: checkOf(gate) };
}

export async function embed() {
  const { gate, origin, name, value, keys } = await visit();
  const forged = sealSession(openSession(value, keys), sessionKeys());
  const session = (value) => requestsWith({ cookie: `${name}=${value}` }, origin);
  const requests = { good: session(value), wrong: session(forged), missing: session("") };
  return { requests, check: checkOf(gate) };
}

/** What the package can do without a gate, by name: whether it does. */
export async function parts() {
  const token = generateToken("pat", user.id);
  const digest = digestToken(token);
  const { value, keys } = await visit();
  return {
    parseToken: () => parseToken(token).kind === "pat",
    digestToken: () => digestToken(token) === digest,
    openSession: () => openSession(value, keys).user === user.id,
  };
}

/** An embed that was opened as a frame does: the gate, where it is, its cookie. */
async function visit() {
  const keys = sessionKeys();
  const gate = makeGate(keys);
  const token = { name: "a portal", user, kind: "embed", app: "jobs", allowedOrigins: [PORTAL] };
  const { embedUrl } = await gate.tokens.create({ ...token, sessionMinutes: 1_440 });
  const entry = await gate.enter(new Request(embedUrl, { headers: AS_FRAME }), context);
  const [cookie] = entry.headers.get("set-cookie").split(";");
  const [name, value] = cookie.split("=");
  return { gate, origin: new URL(embedUrl).origin, name, value, keys };
}

const checkOf = (gate) => async (request) => {
  const decision = await gate.check(request, context);
  return decision.allowed ? decision.identity.user.id : null;
};

const AS_FRAME = {
  "sec-fetch-dest": "iframe",
  "sec-fetch-mode": "navigate",
  "sec-fetch-site": "cross-site",
};
