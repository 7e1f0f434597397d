import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DEVELOPMENT_ROUTES, startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import {
  assertRefused,
  BASIC,
  BEARER,
  INVALID_REQUEST,
  INVALID_TOKEN,
  visible,
} from "../support/refusals.mjs";
import { startObjects } from "../support/stand-ins.mjs";
import { basic, digestOf, keyOf, makeRecord, makeToken, seconds } from "../support/tokens.mjs";

const BUDGET = 5;
const SCOPES = { sc: ["jobs:read"] };

let ledger;
let gate;
const issued = new Map();

before(async () => {
  ledger = await startObjects(({ lookup }) => ({ record: issued.get(lookup?.digest) ?? null }));
  gate = await startRawGate({
    ledger,
    limiter: { budget: BUDGET },
    vars: {
      ROUTES: [{ path: "/feed/*", queryToken: "access_token" }, ...DEVELOPMENT_ROUTES],
    },
  });
});
after(async () => {
  await gate?.stop();
  await ledger?.stop();
});

/** A token whose record stands in KV. */
function inKv(fields, options) {
  const token = makeToken(options);
  gate.kv.values.set(keyOf(token), makeRecord(token, { ...SCOPES, ...fields }));
  return token;
}

let addresses = 0;
const anyAddress = () => `203.0.113.${(addresses += 1)}`;

const present = (token, { address = anyAddress(), target = "/api/v1/jobs/", ...options } = {}) =>
  rawRequest({
    port: gate.port,
    target,
    headers: [
      ["Authorization", `Bearer ${token}`],
      ["CF-Connecting-IP", address],
    ],
    ...options,
  });

const lookups = (token) =>
  ledger.calls.filter(({ command }) => command.lookup?.digest === digestOf(token));

describe("the record decides", () => {
  for (const [name, fields, status, code, challenges] of [
    ["active, without an end", {}, 200],
    ["active until later", { x: seconds(60) }, 200],
    ["expired this second", { x: seconds() }, 401, "token_expired", [INVALID_TOKEN, BASIC]],
    ["expired long ago", { x: 1 }, 401, "token_expired", [INVALID_TOKEN, BASIC]],
    ["revoked", { st: "r" }, 401, "token_revoked", [INVALID_TOKEN, BASIC]],
    ["revoked and expired", { st: "r", x: 1 }, 401, "token_revoked", [INVALID_TOKEN, BASIC]],
    ["disabled", { st: "d" }, 401, "token_disabled", [INVALID_TOKEN, BASIC]],
    ["used", { st: "u" }, 401, "token_used", [INVALID_TOKEN, BASIC]],
    ["of an embed token", { k: "e", sm: 60 }, 401, "kind_mismatch", [INVALID_TOKEN, BASIC]],
    ["for another address", { ip: ["192.0.2.0/24"] }, 403, "address_not_allowed"],
    [
      "without the scope",
      { sc: ["jobs:write"] },
      403,
      "scope_insufficient",
      [`${BEARER}, error="insufficient_scope", scope="jobs:read"`],
    ],
  ]) {
    test(name, async () => {
      const answer = await present(inKv(fields));
      if (status === 200) assert.equal(answer.status, 200, answer.text);
      else assertRefused(answer, status, code, challenges);
    });
  }

  test("an address list shuts out a request without an address", async () => {
    const token = inKv({ ip: ["0.0.0.0/0", "::/0"] });
    const headers = [["Authorization", `Bearer ${token}`]];
    const answer = await rawRequest({ port: gate.port, target: "/api/v1/jobs/", headers });
    assertRefused(answer, 403, "address_not_allowed");
    assert.equal((await present(token)).status, 200);
  });

  test("an embed token is refused whatever its record says", async () => {
    const embed = inKv({ k: "p" }, { kind: "pat_embed" });
    assertRefused(await present(embed), 401, "kind_mismatch", [INVALID_TOKEN, BASIC]);
  });

  test("a digest in place of the token opens nothing", async () => {
    const answer = await present(digestOf(inKv({})));
    assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN, BASIC]);
  });
});

describe("a token that KV lacks is looked up in the ledger that its hint names", () => {
  test("and opens if it was issued", async () => {
    const token = makeToken({ hint: "AbC1" });
    issued.set(digestOf(token), makeRecord(token, SCOPES));
    assert.equal((await present(token)).status, 200);
    assert.deepEqual(
      lookups(token).map(({ name }) => name),
      ["l/AbC1"],
    );
    assert.equal((await present(token)).status, 200);
    assert.equal(lookups(token).length, 1);
  });

  test("and is remembered as unknown", async () => {
    const token = makeToken();
    for (let i = 0; i < 2 * BUDGET; i++) {
      const answer = await present(token, { address: "192.0.2.200" });
      assertRefused(answer, 401, "token_unknown", [INVALID_TOKEN, BASIC]);
    }
    assert.equal(lookups(token).length, 1);
  });

  test("and one of another workspace is answered as one that nobody issued", async () => {
    const foreign = inKv({ ws: "elsewhere" });
    const unknown = makeToken();
    assert.deepEqual(visible(await present(foreign)), visible(await present(unknown)));
    assert.equal(lookups(foreign).length, 1);
    const issuedElsewhere = makeToken();
    issued.set(digestOf(issuedElsewhere), makeRecord(issuedElsewhere, { ws: "elsewhere" }));
    assert.deepEqual(visible(await present(issuedElsewhere)), visible(await present(unknown)));
    const head = { method: "HEAD" };
    assert.deepEqual(visible(await present(foreign, head)), visible(await present(unknown, head)));
  });

  test("RFC 6585 §4: within a budget of its address, an IPv6 one by its /64", async () => {
    for (const addresses of [
      Array(BUDGET + 1).fill("192.0.2.100"),
      Array.from({ length: BUDGET + 1 }, (_, i) => `2001:db8:0:7:${i}::1`),
    ]) {
      const answers = [];
      for (const address of addresses) answers.push(await present(makeToken(), { address }));
      assertRefused(answers.pop(), 429, "rate_limited");
      for (const answer of answers) {
        assertRefused(answer, 401, "token_unknown", [INVALID_TOKEN, BASIC]);
      }
      const known = await present(inKv({}), { address: addresses[0] });
      assert.equal(known.status, 200);
    }
    const neighbour = await present(makeToken(), { address: "2001:db8:0:8::1" });
    assertRefused(neighbour, 401, "token_unknown", [INVALID_TOKEN, BASIC]);
  });

  test("RFC 6585 §4: and within a budget of its hint, wherever it comes from", async () => {
    const answers = [];
    for (let i = 0; i <= BUDGET; i++) answers.push(await present(makeToken({ hint: "Zz99" })));
    assertRefused(answers.pop(), 429, "rate_limited");
    for (const { status } of answers) assert.equal(status, 401);
  });
});

describe("a strict token", () => {
  test("is confirmed by its ledger each time", async () => {
    const token = inKv({ strict: true });
    const digest = digestOf(token);
    issued.set(digest, makeRecord(token, { ...SCOPES, strict: true }));
    for (let i = 0; i < 2 * BUDGET; i++) {
      assert.equal((await present(token, { address: "192.0.2.201" })).status, 200);
    }
    assert.equal(lookups(token).length, 2 * BUDGET);
    issued.set(digest, makeRecord(token, { ...SCOPES, strict: true, rev: 2, st: "r" }));
    assertRefused(await present(token), 401, "token_revoked", [INVALID_TOKEN, BASIC]);
  });

  test("that its ledger does not know is unknown, whatever KV says", async () => {
    const token = inKv({ strict: true });
    assertRefused(await present(token), 401, "token_unknown", [INVALID_TOKEN, BASIC]);
  });
});

describe("RFC 6750 §2.3: a token in the query, where a route names the parameter", () => {
  const target = (query) => `/feed/x?${query}`;
  const feed = (query, headers = []) =>
    rawRequest({ port: gate.port, target: target(query), headers });

  test("opens, if it is the only credential", async () => {
    const token = inKv({});
    assert.equal((await feed(`a=1&access_token=${token}`)).status, 404);
    const twice = await feed(`access_token=${token}&access_token=${token}`);
    assertRefused(twice, 400, "invalid_request", [INVALID_REQUEST]);
    for (const headers of [[["X-API-Key", token]], [["Authorization", basic("", token)]]]) {
      const both = await feed(`access_token=${token}`, headers);
      assertRefused(both, 400, "invalid_request", [INVALID_REQUEST]);
    }
    const missing = await feed("access_token=");
    assertRefused(missing, 401, "token_missing", [BEARER, BASIC]);
    const long = await feed(`access_token=${"a".repeat(5000)}`);
    assertRefused(long, 431, "invalid_request");
    const odd = await feed("access_token=%ff%00");
    assertRefused(odd, 401, "token_malformed", [INVALID_TOKEN, BASIC]);
  });

  test("§5.3: keeps the answer out of shared caches", async () => {
    const answer = await feed(`access_token=${inKv({})}`);
    assert.match(answer.header("Cache-Control"), /^private|no-store/);
  });
});
