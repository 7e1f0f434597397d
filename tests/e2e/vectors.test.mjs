// The built Worker against the vectors that the core and the npm package run (tests/vectors).
//
// Compared are status, body and all headers of an answer but those that only frame it on the wire
// (`UNCOMPARED`); of a request that may pass the URL and all headers that the app gets, but
// `Gatepass-Assertion`, which only the Worker adds, and `Host`; of the app's answer what leaves. Left out
// is what the Worker has another part in: Gatepass's own paths, strict tokens, which it asks its ledger
// about, and what no client can send. Sessions are opened for tokens of its own, since its ledger
// opens none for a token that it does not know.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readSession, sealSession } from "../support/embeds.mjs";
import { basic, digestOf, keyOf } from "../support/tokens.mjs";
import { OPERATOR_KEY, startVectorGates } from "../support/vector-gates.mjs";
import { GATE_FILES, given, readGates, STORE } from "../support/vectors.mjs";

/** What frames a message, or tells when it was sent. */
const UNCOMPARED = ["connection", "content-length", "date", "keep-alive", "transfer-encoding"];

const vectors = GATE_FILES.flatMap(readGates).filter(({ not }) => !not.includes("worker"));
const opensSession = ({ expect }) => expect.status === 303;

let gates;
before(async () => (gates = await startVectorGates(vectors)));
after(() => gates?.stop());

/** Headers by name; what stands more than once is one list, except for cookies. */
function byName(headers) {
  const all = {};
  for (const [name, value] of headers) {
    if (UNCOMPARED.includes(name)) continue;
    const sign = name === "set-cookie" ? "\n" : ", ";
    all[name] = name in all ? `${all[name]}${sign}${value}` : value;
  }
  return all;
}

/** What is sent for a vector: the edge tells the address, by a header that clients cannot set. */
const asSent = ({ request: { address, headers, ...request } }) => ({
  ...request,
  headers: address ? [...headers, ["cf-connecting-ip", address]] : headers,
});

async function check(vector) {
  const { expect, answer, request } = vector;
  await gates.app("x-next", answer ?? { headers: [["x-app", "reached"]] });
  const got = await gates.send(vector, asSent(vector));
  if (!expect.allowed) {
    assert.deepEqual([got.status, got.body], [expect.status, expect.body]);
    assert.deepEqual(byName(got.headers), byName(expect.headers));
    return;
  }
  const seen = await gates.app("x-seen");
  assert.equal(got.status, answer?.status ?? 200, got.body);
  assert.deepEqual([seen.method, seen.url], [request.method, expect.url]);
  const { host, "gatepass-assertion": assertion, ...headers } = byName(seen.headers);
  if (headers["cf-connecting-ip"] === request.address) delete headers["cf-connecting-ip"];
  assert.deepEqual(headers, byName(expect.headers));
  if (answer) assert.deepEqual(byName(got.headers), byName(answer.left));
}

for (const file of GATE_FILES) {
  describe(file, () => {
    for (const vector of vectors.filter((vector) => vector.file === file)) {
      if (!opensSession(vector)) test(vector.name.slice(file.length + 2), () => check(vector));
    }
  });
}

describe("entries for tokens of the Worker's own", () => {
  const entries = vectors.filter(opensSession);

  for (const vector of entries) {
    test(vector.name.slice("entries: ".length), async () => {
      const known = tokenIn(vector.request.url);
      const token = await mint(vector, known);
      const url = vector.request.url.replace(known.token, token);
      const got = await gates.send(vector, { ...asSent(vector), url });
      const wanted = byName(vector.expect.headers.filter(([name]) => name !== "set-cookie"));
      const { "set-cookie": cookies, ...headers } = byName(got.headers);
      assert.deepEqual([got.status, got.body], [303, ""]);
      assert.deepEqual(headers, wanted);
      const [session, ...forgotten] = cookies.split("\n");
      const told = vector.expect.headers.filter(([name]) => name === "set-cookie");
      const [wantedSession, ...wantedForgotten] = told.map(([, value]) => value);
      assertOpens(session, wantedSession, token);
      assert.deepEqual(forgotten, wantedForgotten);
    });
  }
});

/** The embed token that stands in an entry's URL. */
function tokenIn(url) {
  const tokens = Object.values(given.tokens).filter(({ token }) => token.startsWith("pat_embed_"));
  return tokens.find(({ token }) => url.includes(token));
}

/** A token as a given one's record says, made by the Worker whose vector it is. */
async function mint(vector, { token }) {
  const record = JSON.parse(new Map(STORE).get(keyOf(token)));
  const body = {
    ...{ name: record.n, kind: "embed", user: { id: record.uid, email: record.em } },
    ...{ apps: record.ap, allowedOrigins: record.or, label: record.pl, allowedIps: record.ip },
    ...{ sessionMinutes: record.sm, idleMinutes: record.im },
    ...{ singleUse: record.su, topLevel: record.tl },
    expiresAt: new Date(record.x * 1000).toISOString(),
  };
  const made = await gates.send(vector, {
    method: "POST",
    url: "https://gate.example/gatepass/api/tokens",
    headers: [
      ["authorization", basic("operator", OPERATOR_KEY)],
      ["content-type", "application/json"],
    ],
    body: JSON.stringify(body),
  });
  assert.equal(made.status, 201, made.body);
  return JSON.parse(made.body).token;
}

/** Asserts that a cookie holds the session that is wanted, signed by the newest key. */
function assertOpens(cookie, { cookie: name, session, attributes }, token) {
  const [, found, sealed, others] = /^([^=]+)=([^;]+); (.*)$/.exec(cookie);
  assert.deepEqual([found, others], [name, attributes]);
  const { id, kid, ...fields } = readSession(sealed);
  const { user: uid, id: beginning, ...rest } = session;
  const wanted = { version: 1, purpose: "embed", uid, ...rest, digest: digestOf(token) };
  assert.deepEqual(fields, wanted);
  assert.equal(id.slice(0, beginning.length), beginning);
  const [newest] = given.options.embeds.sessionKeys.split(",");
  const secret = Buffer.from(newest.slice(kid.length + 1), "base64");
  assert.equal(newest.slice(0, kid.length + 1), `${kid}:`);
  assert.equal(sealSession({ ...fields, id }, { id: kid, secret }), sealed);
}
