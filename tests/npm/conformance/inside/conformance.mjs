// Runs the vectors against the package, wherever it is: nothing but "gatepass" is imported, and what
// must come out is given. Each runtime then opens what the others made.

import * as gatepass from "gatepass";

const { createGate, parseToken, digestToken, challenge } = gatepass;
/** What a page does not have: there, tokens and sessions are read and never made. */
const { generateToken, sealSession, openSession } = gatepass;

/** Answers `{vectors}` or `{others}`, with what this runtime says of itself. */
export async function answer({ vectors, others }) {
  const report = vectors ? await conform(vectors) : await openAll(others);
  return { runtime: whichRuntime(), ...report };
}

function whichRuntime() {
  const { Deno, Bun, EdgeRuntime, process, navigator } = globalThis;
  if (Deno) return `deno ${Deno.version.deno}`;
  if (Bun) return `bun ${Bun.version}`;
  if (EdgeRuntime) return EdgeRuntime;
  // workerd has a `process`, too.
  const isNode = process && navigator?.userAgent !== "Cloudflare-Workers";
  return isNode ? `node ${process.versions.node}` : navigator.userAgent;
}

/** Runs all that this runtime can; answers what passed, what failed and why, and what it made. */
async function conform(vectors) {
  const tally = new Tally();
  for (const { name, text, token } of vectors.tokens) {
    await tally.of(`tokens: ${name}`, () => same(parseToken(text), token));
  }
  for (const { name, text, digest } of vectors.digests) {
    await tally.of(`digests: ${name}`, () => same(digestToken(text), digest));
  }
  for (const vector of vectors.challenges) {
    await tally.of(`challenges: ${vector.name}`, () => checkChallenge(vector));
  }
  if (sealSession) await checkSessions(vectors.sessions, tally);
  for (const vector of vectors.gates) {
    const store = [...vectors.store, ...vector.store];
    await tally.of(vector.name, () => checkGate({ ...vector, store }, tally));
  }
  const { passed, failed, standard } = tally;
  const made = generateToken ? await at(vectors.gates[0].now, make) : null;
  return { passed, failed, standard, made };
}

/** Opens what another runtime made, byte for byte as it was there. */
async function openAll(others) {
  const tally = new Tally();
  for (const { by, now, made } of others) {
    for (const { text, parsed, digest } of made.tokens) {
      await tally.of(`${by}'s token`, () => {
        same(parseToken(text), parsed);
        same(digestToken(text), digest);
      });
    }
    const gate = gateOver(new MapStore(made.store));
    for (const { request, identity } of made.visits) {
      await tally.of(`${by}'s ${identity.kind}`, async () => {
        const decision = await at(now, () => gate.check(request));
        if (!decision.allowed) throw new Error(await decision.response.text());
        same(decision.identity, identity);
      });
    }
    if (!openSession) continue;
    for (const { sealed, session } of made.sealed) {
      await tally.of(`${by}'s session`, () => {
        same(openSession(sealed, KEYS), session);
        same(sealSession(session, KEYS), sealed);
      });
    }
  }
  return { passed: tally.passed, failed: tally.failed };
}

class Tally {
  passed = 0;
  failed = [];
  /** How many of a gate's vectors were sent as the platform's own `Request`, too. */
  standard = 0;

  async of(name, check) {
    try {
      await check();
      this.passed++;
    } catch (error) {
      this.failed.push(`${name}\n${error?.message ?? error}`);
    }
  }
}

function checkChallenge({ error, scope, header, refused }) {
  if (refused) return assertRefused(() => challenge(error, scope), refused);
  same(challenge(error, scope), header);
}

async function checkSessions({ keys, sealed, opened, refused }, tally) {
  for (const { name, session, keys: own = keys, text } of sealed) {
    await tally.of(`sessions: ${name}`, () => {
      same(sealSession(session, own), text);
      same(openSession(text, own), session);
    });
  }
  for (const { name, text, keys: own = keys, session } of opened) {
    await tally.of(`sessions: ${name}`, () => same(openSession(text, own), session));
  }
  for (const { name, session, keys: own = keys, refused: wanted } of refused) {
    await tally.of(`sessions: ${name}`, () =>
      assertRefused(() => sealSession(session, own), wanted),
    );
  }
}

function assertRefused(call, wanted) {
  try {
    call();
  } catch (error) {
    if (!(error instanceof gatepass.GatepassError)) throw error;
    return same({ code: error.code, field: error.field }, wanted);
  }
  throw new Error("nothing was refused");
}

/** Once with what has a request's properties, and again with a `Request` where one can be so. */
async function checkGate(vector, tally) {
  const { method, url, headers } = vector.request;
  await decide(vector, { method, url, headers });
  const standard = asStandard(vector.request);
  if (!standard) return;
  tally.standard++;
  await decide(vector, standard);
}

/** The platform's own request; undefined where it would be another one. */
function asStandard({ method, url, headers }) {
  try {
    const request = new Request(url, { method, headers });
    const plain = { method, url, headers: Object.fromEntries(headers) };
    const made = { method: request.method, url: request.url };
    made.headers = Object.fromEntries(request.headers);
    same(made, plain);
    return request;
  } catch {
    return undefined;
  }
}

async function decide({ options, store, now, request, expect, reads, after, answer }, sent) {
  const held = new MapStore(store);
  const gate = createGate({ ...options, store: held });
  const { address } = request;
  const decision = await at(now, () => gate.check(sent, { address }));
  if (expect.allowed) await assertAllowed(decision, expect, answer);
  else await assertRefusal(decision, expect, options.sessionKeys);
  if (reads) same([...held.reads].sort(), [...reads].sort());
  for (const [key, value] of after ?? []) same(held.get(key), value);
}

async function assertAllowed(decision, { identity, url, headers }, answer) {
  if (!decision.allowed) throw new Error(`refused: ${await decision.response.text()}`);
  same(decision.identity, identity);
  same(decision.url, url);
  same(sorted(decision.headers), sorted(headers));
  if (!answer) return;
  const { status, headers: given, left, body } = answer;
  const guarded = decision.guard(new Response(body, { status, headers: given }));
  same(guarded.status, status);
  same(sorted(guarded.headers), sorted(visible(left)));
  same(await guarded.text(), body ?? "");
}

async function assertRefusal(decision, { status, headers, body }, keys) {
  if (decision.allowed) throw new Error(`allowed: ${JSON.stringify(decision.identity)}`);
  const { response } = decision;
  const text = await response.text();
  same([response.status, text], [status, body]);
  const wanted = sorted(visible(headers));
  const found = sorted(response.headers);
  same(
    found.map(([name, value], i) => [name, readAs(value, wanted[i]?.[1], keys)]),
    wanted,
  );
}

/**
 * The value of a header; of a session's cookie, whose id is random, what is in it: the name, the
 * session with the part of its id that tells whose and when, and the attributes.
 */
function readAs(value, wanted, keys) {
  if (!wanted?.session) return value;
  const [, cookie, sealed, attributes] = /^([^=]+)=([^;]+); (.*)$/.exec(value) ?? [];
  if (!openSession) throw new Error("a session where none is made");
  const session = openSession(sealed, keys);
  if (!session) return value;
  return { cookie, session: { ...session, id: session.id.slice(0, 15) }, attributes };
}

/** Pages see no `Set-Cookie`. */
const SEES_COOKIES = new Response(null, { headers: [["set-cookie", "a=1"]] }).headers.has(
  "set-cookie",
);

const visible = (headers) =>
  SEES_COOKIES ? headers : headers.filter(([name]) => name !== "set-cookie");

/** Headers by name; those of one name stay in their order. */
const sorted = (headers) =>
  [...headers].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));

/** Does something at a moment: the clock stands still meanwhile. */
async function at(now, act) {
  const real = Date.now;
  Date.now = () => now;
  try {
    return await act();
  } finally {
    Date.now = real;
  }
}

function same(found, wanted) {
  const [one, other] = [JSON.stringify(canonical(found)), JSON.stringify(canonical(wanted))];
  if (one !== other) throw new Error(`found  ${one}\nwanted ${other}`);
}

/** The same value with the members of objects in order. */
function canonical(value) {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(sorted(members).map(([key, inner]) => [key, canonical(inner)]));
}

/** A store in memory. */
class MapStore {
  reads = [];

  constructor(values = []) {
    this.values = new Map(values);
    for (const [key, value] of values) if (value === null) this.values.delete(key);
  }

  get(key) {
    this.reads.push(key);
    return this.values.get(key) ?? null;
  }

  put(key, value) {
    this.values.set(key, value);
  }

  replace(key, before, after) {
    if (this.values.get(key) !== before) return false;
    this.values.set(key, after);
    return true;
  }

  list(prefix, limit) {
    const keys = [...this.values.keys()].filter((key) => key.startsWith(prefix)).sort();
    return { keys: keys.slice(0, limit), cursor: null };
  }
}

const KEYS = `made:${"0123456789abcdef".repeat(4)}`;
const FRAME = [
  ["sec-fetch-dest", "iframe"],
  ["sec-fetch-mode", "navigate"],
  ["sec-fetch-site", "cross-site"],
];

const gateOver = (store) =>
  createGate({
    store,
    apps: [{ id: "jobs", allowedOrigins: ["https://portal.example"] }],
    embedHost: "*.embed.example",
    sessionKeys: KEYS,
  });

/** Tokens of each kind and sessions, made here. */
async function make() {
  const store = new MapStore();
  const gate = gateOver(store);
  const user = { id: "zoë", email: "zoë@example.com" };
  const pat = await gate.tokens.create({ name: "made", user, scopes: ["jobs:read"] });
  const embed = await gate.tokens.create({ name: "made", user, kind: "embed", app: "jobs" });
  const texts = [pat.token, embed.token, generateToken("pat", "grace", "other")];
  const entry = await gate.enter({ method: "GET", url: embed.embedUrl, headers: FRAME });
  const [cookie] = entry.headers.getSetCookie()[0].split(";");
  const sealed = cookie.slice(cookie.indexOf("=") + 1);
  const place = `${new URL(embed.embedUrl).origin}/`;
  const requests = [
    ["https://gate.example/x", [["authorization", `Bearer ${pat.token}`]]],
    [place, [...FRAME, ["cookie", cookie]]],
  ].map(([url, headers]) => ({ method: "GET", url, headers }));
  const visits = [];
  for (const request of requests) {
    const decision = await gate.check(request);
    visits.push({ request, identity: decision.identity });
  }
  return {
    tokens: texts.map((text) => ({ text, parsed: parseToken(text), digest: digestToken(text) })),
    store: [...store.values],
    sealed: [{ sealed, session: openSession(sealed, KEYS) }],
    visits,
  };
}
