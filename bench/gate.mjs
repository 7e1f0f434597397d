// Gatepass in the benchmark: the built Worker, its configuration, and good and bad credentials.

import { randomBytes } from "node:crypto";
import { keysText, newKey, openWith } from "../tests/support/embeds.mjs";
import { basic, keyOf, makeRecord, makeToken, seconds } from "../tests/support/tokens.mjs";
import { bearer, makeRequest } from "./requests.mjs";

/** The Worker's entry. */
export const ENTRY = new URL("../src/worker/entry.js", import.meta.url);

/** Enough that none is still in an isolate's memory (8,192) when its turn comes again. */
const ROTATION = 20_000;

const OPERATOR_KEY = randomBytes(32).toString("base64url");
const SESSION_KEY = newKey();

const ROUTES = [
  { path: "/public/*", public: true },
  { methods: ["GET"], path: "/api/v1/*", scopes: ["jobs:read"] },
  { path: "/api/v1/*", scopes: ["jobs:write"] },
  { path: "/odata/*", scopes: ["odata"] },
];

/** What is measured is the gate, not how soon it has had enough. */
const NO_LIMITS = { creations: 1_000_000_000, failures: 1_000_000_000 };

/** Its bindings, some of which lead to what stands in for the platform. */
export function gateBindings({ app, records, ledger, limiter }) {
  return {
    ...{ OPERATOR_KEY, SESSION_KEYS: keysText(SESSION_KEY) },
    ...{ DEVELOPMENT: { json: true }, ROUTES: { json: ROUTES }, LIMITS: { json: NO_LIMITS } },
    ...{ APPS: { json: [{ id: "jobs", name: "Jobs" }] }, EMBED_HOST: "*.localhost" },
    ...{ UPSTREAM: "service:APP", APP: app, ASSETS: app },
    ...{ RECORDS: records, LEDGER: ledger, DIRECTORY: { durableObject: "Directory" } },
    ...{ LOOKUPS_BY_ADDRESS: limiter, LOOKUPS_BY_LEDGER: limiter },
  };
}

/** PATs, and what KV must hold for them to be good, or not. */
export function makePats() {
  const make = () => makeToken({ hint: "ada0" });
  const [good, expired, unknown] = [make(), make(), make()];
  const many = Array.from({ length: ROTATION }, make);
  const garbage = good.slice(0, -1) + (good.endsWith("0") ? "1" : "0");
  const fields = { sc: ["jobs:read", "odata"], x: seconds(86_400) };
  const values = {
    "w/default": JSON.stringify({ v: 1, rev: 1, creation: true, authentication: true }),
    [keyOf(expired)]: makeRecord(expired, { ...fields, c: seconds(-60), x: seconds(-1) }),
    ...Object.fromEntries(
      [good, ...many].map((token) => [keyOf(token), makeRecord(token, fields)]),
    ),
  };
  return { good, expired, unknown, garbage, many, values };
}

/** The requests of all that take PATs. */
export function patRequests({ pats }) {
  const as = (token) => [makeRequest(bearer(token))];
  return {
    ...{ good: as(pats.good), many: pats.many.flatMap(as), missing: [makeRequest()] },
    ...{ wrong: as(pats.unknown), expired: as(pats.expired), garbage: as(pats.garbage) },
  };
}

/** Those of the gate. */
export async function gateRequests({ pats, port }) {
  const visit = await openEmbed(port);
  const inPlace = (cookie) => [makeRequest(cookie && ["Cookie", cookie], { host: visit.host })];
  const withSession = (fields, key) => inPlace(visit.withSession(fields, key).cookie);
  return {
    ...patRequests({ pats }),
    ...{ embed: inPlace(visit.cookie), embedMissing: inPlace() },
    embedWrong: withSession({}, newKey()),
    embedExpired: withSession({ expires: seconds(-1) }, SESSION_KEY),
    public: [makeRequest(undefined, { target: "/public/jobs" })],
  };
}

/** Opens an embed as a portal and a frame do; answers the `Visit`. */
async function openEmbed(port) {
  const url = `http://127.0.0.1:${port}/gatepass/api/tokens`;
  const user = { id: "ada", email: "ada@example.com" };
  const embed = { name: "portal", kind: "embed", app: "jobs", sessionMinutes: 1_440, user };
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      authorization: basic("operator", OPERATOR_KEY),
      "content-type": "application/json",
    },
    body: JSON.stringify({ ...embed, allowedOrigins: ["https://portal.example"] }),
  });
  if (answer.status !== 201) throw new Error(`no embed token: ${await answer.text()}`);
  return openWith({ port, output: () => "" }, await answer.json());
}
