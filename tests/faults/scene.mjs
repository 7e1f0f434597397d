// A gate with all its neighbours, each of which can be made to fail, and everybody who comes to it:
// those who may pass, each by another way, and those who may not, whatever fails.

import { generateKeyPairSync } from "node:crypto";
import { until } from "../support/api.mjs";
import { startAssets } from "../support/assets.mjs";
import {
  AS,
  enter,
  keysText,
  mint,
  newKey,
  newUser,
  open,
  sealSession,
  sessionOf,
  startEmbedGate,
  Visit,
} from "../support/embeds.mjs";
import { signed } from "../support/oidc.mjs";
import { ASSERTION, byJwt, byOperator, byPat, newPerson, TOKENS } from "../support/people.mjs";
import { rawRequest } from "../support/raw.mjs";
import { startScanner } from "../support/scanner.mjs";
import { startObjects, startServer } from "../support/stand-ins.mjs";
import { keyOf, makeToken, seconds } from "../support/tokens.mjs";

const OTHER = "other.test";
const ROUTES = [{ path: "/public/*", public: true }];
/** Where those who may not pass ask for the app. */
export const STOLEN = "/stolen";
const PATIENCE = 30_000;
// An upstream has a minute.
const TIMEOUT = 70_000;

/**
 * Starts it. Two isolates share the objects: one makes tokens, the other, `gate`, has learned nothing
 * from that.
 */
export async function startScene() {
  const ledger = await startObjects(() => "passes");
  const directory = await startObjects(() => "passes");
  const [assets, upstream, limiter, provider, scanner] = await Promise.all([
    startAssets(),
    startNeighbour((_, response) => response.end("the app")),
    startNeighbour((_, response) => response.end()),
    startKeys(),
    startScanner(),
  ]);
  const key = newKey();
  const maker = await startEmbedGate({
    ...{ ledger, directory, assets, limiter: { server: "limiter server" }, second: true },
    servers: { "limiter server": limiter.address },
    vars: {
      ...{ UPSTREAM: upstream.url, ROUTES, SESSION_KEYS: keysText(key) },
      WORKSPACES: ["default", { name: "other", hosts: [OTHER] }],
      IDENTITY: {
        ...{ issuer: provider.url, audience: "gatepass", jwks: `${provider.url}/jwks` },
        ...{ header: ASSERTION, algorithms: ["ES256"] },
      },
      LEAK_KEYS_URL: scanner.url,
    },
  });
  const gate = { ...maker, port: maker.ports.second };
  gate.url = `http://127.0.0.1:${gate.port}`;
  const neighbours = [ledger, directory, upstream, limiter, provider, scanner];
  const stop = () => Promise.all([maker, ...neighbours].map((one) => one.stop()));
  const fallible = { kv: gate.kv, ledger, directory, assets, upstream, limiter, provider, scanner };
  return { ...fallible, maker, gate, key, stop, secrets: [gate.operatorKey] };
}

/** A server that answers as `fault` says, if it says something. */
async function startNeighbour(listener) {
  const neighbour = { fault: undefined, got: [] };
  const server = await startServer((request, response) => {
    neighbour.got.push(request);
    return (neighbour.fault ?? listener)(request, response);
  });
  return Object.assign(neighbour, { address: server.address, url: server.url, stop: server.stop });
}

/** An identity provider that signs with one key at a time. */
async function startKeys() {
  let number = 0;
  let pair;
  const provider = await startNeighbour((_, response) => {
    const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: pair.kid, alg: "ES256" };
    response.end(JSON.stringify({ keys: [jwk] }));
  });

  /** From now on it signs with a new key. */
  provider.rotate = () => {
    const kid = `k${++number}`;
    pair = { ...generateKeyPairSync("ec", { namedCurve: "P-256" }), alg: "ES256", kid };
  };
  /** A JWT of somebody new. */
  provider.token = () => {
    const claims = { iss: provider.url, aud: "gatepass", exp: seconds(600), ...newPerson() };
    return signed({}, claims, pair);
  };
  provider.rotate();
  return provider;
}

/**
 * Makes ready whoever may pass: by name, what sends their request and answers as `rawRequest`. The
 * gate remembers two of them, `known` and `session`, if they are asked now, and none of the others.
 * `published` tells whether KV has what came of `revoke`.
 */
export async function prepare({ maker, gate, kv, key, provider, scanner, secrets }) {
  const ask = (target, headers, options) =>
    rawRequest({ port: gate.port, target, headers, timeout: TIMEOUT, ...options });
  const operator = byOperator(gate);
  const manage = (method, target, body) =>
    ask(target, [...operator, ["Content-Type", "application/json"]], { method, body });
  const user = newUser();
  const made = (fields) => maker.createToken({ user, ...fields });
  const [known, fresh, unpublished, strict, doomed, leaked, entry, sealed, opened] =
    await Promise.all([
      ...[made(), made(), made(), made({ strict: true }), made(), made()],
      ...[mint(maker), mint(maker), open(maker)],
    ]);
  const host = new URL(sealed.embedUrl).host.replace(/:.*/, `:${gate.port}`);
  const cookie = `__Host-gp-${host.split(".")[0]}=${sealSession(sessionOf(sealed), key)}`;
  const url = `http://${host}/embed-apps/jobs`;
  const visit = new Visit(gate, { token: sealed, url, cookie });
  const session = new Visit(gate, opened);
  const all = [known, fresh, unpublished, strict, doomed, leaked, entry, sealed, opened.token];
  secrets.push(...[...all.map(({ token }) => token), cookie, opened.cookie].map(secretOf));
  await until(
    () => all.every(({ token }) => kv.values.has(keyOf(token))),
    "KV has all of them",
    PATIENCE,
  );
  kv.values.delete(keyOf(unpublished.token));
  const probes = {
    known: () => ask("/x", byPat(known.token)),
    session: () => session.ask("/x", { timeout: TIMEOUT }),
    new: () => ask("/x", byPat(fresh.token)),
    "new session": () => visit.ask("/x", { timeout: TIMEOUT }),
    "not in KV": () => ask("/x", byPat(unpublished.token)),
    strict: () => ask("/x", byPat(strict.token)),
    entry: () => enter(gate, entry.embedUrl, { timeout: TIMEOUT }),
    create: () => manage("POST", TOKENS, JSON.stringify({ name: "new", user: newUser() })),
    list: () => manage("GET", `${TOKENS}?user=${user.id}`),
    revoke: () => manage("DELETE", `${TOKENS}/${doomed.id}`),
    person: () => ask("/gatepass/api/sign-in", byJwt(provider.token())),
    report: () => scanner.report(gate, leaked.token).then(asRaw),
    page: () => ask("/gatepass/", AS.tab),
    openapi: () => ask("/gatepass/api/openapi.json"),
    public: () => ask("/public/x"),
    healthz: () => ask("/gatepass/healthz"),
    jwks: () => ask("/gatepass/jwks.json"),
  };
  const published = () => JSON.parse(kv.values.get(keyOf(doomed.token))).st === "r";
  return { probes, published };
}

/** What of a secret no log may have. */
const secretOf = (text) => text.slice(-20);

/** An answer of `fetch` in the shape of `rawRequest`'s. */
function asRaw({ status, headers, body }) {
  return {
    ...{ status, text: JSON.stringify(body), json: () => body },
    header: (name) => headers.get(name) ?? undefined,
    headerAll: (name) => [headers.get(name) ?? []].flat(),
  };
}

/**
 * Makes ready whoever may not pass: by name, each of the ways in that they try. The gate knows the
 * revoked token as such.
 */
export async function prepareIntruders({ maker, gate, secrets }) {
  const ask = (target, headers, options) =>
    rawRequest({ port: gate.port, target, headers, timeout: TIMEOUT, ...options });
  const [revoked, embed, opened] = await Promise.all([
    maker.createToken({ user: newUser(), scopes: ["tokens"] }),
    mint(maker),
    open(maker),
  ]);
  for (const { id } of [revoked, embed, opened.token]) await maker.api("DELETE", `/tokens/${id}`);
  const ended = new Visit(gate, opened);
  const elsewhere = await rawRequest({
    ...{ port: gate.port, method: "POST", target: TOKENS },
    headers: [["Host", OTHER], ...byOperator(gate), ["Content-Type", "application/json"]],
    body: JSON.stringify({ name: "elsewhere", user: newUser(), scopes: ["tokens"] }),
  });
  const tokens = { revoked, "another workspace's": elsewhere.json() };
  tokens.unknown = { token: makeToken() };
  const unknownEmbed = embed.embedUrl.replace(embed.token, makeToken({ kind: "pat_embed" }));
  const body = JSON.stringify({ name: "stolen" });
  const tries = {
    "no token": () => ask(STOLEN),
    "no token, for the API": () => ask(TOKENS),
    "no session": () => ended.ask(STOLEN, { cookie: null, timeout: TIMEOUT }),
    "a session of a revoked token": () => ended.ask(STOLEN, { timeout: TIMEOUT }),
    "a revoked embed token": () => enter(gate, embed.embedUrl, { timeout: TIMEOUT }),
    "an unknown embed token": () => enter(gate, unknownEmbed, { timeout: TIMEOUT }),
    "a wrong key": () => ask(TOKENS, byOperator({ operatorKey: "x".repeat(43) })),
    "a JWT that nobody signed": () => ask(TOKENS, byJwt(`${JWT_HEAD}.e30.AAAA`)),
  };
  for (const [name, { token }] of Object.entries(tokens)) {
    secrets.push(secretOf(token));
    tries[`${name} token`] = () => ask(STOLEN, byPat(token));
    tries[`${name} token, for the API`] = () => ask(TOKENS, byPat(token));
    tries[`${name} token, to make one`] = () => ask(TOKENS, byPat(token), { method: "POST", body });
  }
  for (const name of ["a revoked embed token", "a session of a revoked token", "revoked token"])
    await until(
      async () => (await tries[name]()).status === 401,
      `${name} is known as such`,
      PATIENCE,
    );
  return tries;
}

const JWT_HEAD = Buffer.from('{"alg":"ES256","kid":"k1"}').toString("base64url");
