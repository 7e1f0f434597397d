// How many tokens a user gets, how many credentials that are no good an address may send, and how
// many requests a token and a workspace may make. The arithmetic is in tests/limits.test.mjs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bearer, pause, until } from "../support/api.mjs";
import { AS, enter, mint, newUser, openWith, startEmbedGate } from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { NEEDS_PYTHON, structuredField } from "../support/python.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused } from "../support/refusals.mjs";
import { startObjects } from "../support/stand-ins.mjs";
import { basic, keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const SECOND = 1000;

/** A request with a token, or with what `headers` say, at an isolate. */
const ask = (gate, token, { port = gate.port, target = "/echo/x", headers = [], ...more } = {}) =>
  rawRequest({
    ...{ port, target, ...more },
    headers: token ? [["Authorization", bearer(token)], ...headers] : headers,
  });

/** A header of an answer, of `rawRequest` or `fetch`. */
const headerOf = (answer, name) => answer.header?.(name) ?? answer.headers.get?.(name) ?? undefined;

/**
 * Asserts what an answer's RateLimit fields say (draft-ietf-httpapi-ratelimit-headers), as a parser
 * of RFC 9651 reads them: a policy by its name, quota and window, what is left, and within how many
 * seconds there is more.
 */
async function assertRateLimit(answer, [name, q, w, r, longest = w]) {
  const policy = headerOf(answer, "RateLimit-Policy");
  const state = headerOf(answer, "RateLimit");
  assert.equal(policy, `"${name}";q=${q};w=${w}`);
  assert.match(state, new RegExp(`^"${name}";r=${r};t=\\d+$`));
  const t = Number(/t=(\d+)$/.exec(state)[1]);
  assert.ok(t >= 1 && t <= longest, state);
  const retryAfter = headerOf(answer, "Retry-After");
  if (answer.status === 429) assert.equal(Number(retryAfter), Math.min(t, 120));
  else assert.equal(retryAfter, undefined);
  if (NEEDS_PYTHON.skip) return t;
  assert.deepEqual(await structuredField("list", policy), [[name, { q, w }]]);
  assert.deepEqual(await structuredField("list", state), [[name, { r, t }]]);
  return t;
}

const hasNoRateLimit = (answer) => assert.equal(headerOf(answer, "RateLimit"), undefined);

describe("how many tokens a user gets within a minute", () => {
  let gate;
  before(async () => {
    gate = await startEmbedGate({ vars: { LIMITS: { creations: 4 } } });
  });
  after(() => gate?.stop());

  const body = (user, fields) => ({ name: "x", user, scopes: ["tokens"], ...fields });
  const create = (user) => gate.api("POST", "/tokens", body(user));

  async function assertTooMany(answer) {
    assert.equal(answer.status, 429, JSON.stringify(answer.body));
    assert.equal(answer.body.code, "rate_limited");
    await assertRateLimit(answer, ["creation", 4, 60, 0]);
  }

  test("is limited, whoever asks and in whatever way, and each has as many", async () => {
    const user = newUser();
    const made = [];
    for (let i = 0; i < 2; i++) {
      const answer = await create(user);
      assert.equal(answer.status, 201);
      hasNoRateLimit(answer);
      made.push(answer.body);
    }
    const as = { auth: bearer(made[0].token) };
    const rotated = await gate.api("POST", `/tokens/${made[1].id}/rotate`, {});
    assert.equal(rotated.status, 201);
    assert.equal((await gate.api("POST", "/tokens", { name: "y" }, as)).status, 201);
    await assertTooMany(await create(user));
    await assertTooMany(await gate.api("POST", "/tokens", { name: "y" }, as));
    await assertTooMany(await gate.api("POST", `/tokens/${made[0].id}/rotate`, {}));
    const embed = { kind: "embed", app: "jobs", scopes: undefined };
    await assertTooMany(await gate.api("POST", "/tokens", body(user, embed)));
    const synergy = await fetch(`${gate.url}/api/v1/auth/generate-pat`, {
      method: "POST",
      headers: { authorization: bearer(made[0].token), "content-type": "application/json" },
      body: JSON.stringify({ Name: "12d", ExpireInDays: 3 }),
    });
    assert.equal(synergy.status, 429);
    assert.equal((await create(newUser())).status, 201);
  });

  test("does not hinder what makes none", async () => {
    const user = newUser();
    const made = [];
    for (let i = 0; i < 4; i++) made.push((await create(user)).body);
    await assertTooMany(await create(user));
    const path = `/tokens/${made[0].id}`;
    assert.equal((await gate.api("PATCH", path, { name: "z" })).status, 200);
    assert.equal((await gate.api("GET", path)).status, 200);
    assert.equal((await gate.api("DELETE", path)).status, 204);
    assert.equal((await ask(gate, made[1].token)).status, 200);
    await assertTooMany(await create(user));
  });

  test("is not used up by what is refused, or answered again", async () => {
    const user = newUser();
    const once = { headers: { "idempotency-key": user.id } };
    for (let i = 0; i < 3; i++) {
      assert.equal((await gate.api("POST", "/tokens", body(user), once)).status, 201);
      assert.equal((await gate.api("POST", "/tokens", body(user, { name: "" }))).status, 400);
    }
    for (let i = 0; i < 3; i++) assert.equal((await create(user)).status, 201);
    await assertTooMany(await create(user));
  });
});

describe("how many credentials that are no good an address may send within a minute", () => {
  const thrown = "failures:192.0.2.66";
  let gate;
  let good;
  before(async () => {
    gate = await startEmbedGate({
      vars: { LIMITS: { failures: 6 } },
      second: true,
      limiter: { budget: 2, thrown },
    });
    good = await gate.createToken();
    // A look-up that is in KV by now needs no budget.
    await until(() => gate.kv.values.has(keyOf(good.token)), "the record");
  });
  after(() => gate?.stop());

  const from = (address) => [["CF-Connecting-IP", address]];
  let addresses = 0;
  const newAddress = () => `192.0.2.${++addresses}`;
  const fail = (address, token = "pat_bad", more) =>
    ask(gate, token, { headers: from(address), ...more });

  async function assertTooMany(answer) {
    assertRefused(answer, 429, "rate_limited");
    await assertRateLimit(answer, ["failures", 6, 60, 0]);
  }

  async function exhaust(address) {
    for (let i = 0; i < 6; i++) assert.equal((await fail(address)).status, 401);
  }

  test("is limited, and a good token still gets in from there", async () => {
    const address = newAddress();
    await exhaust(address);
    for (let i = 0; i < 3; i++) await assertTooMany(await fail(address));
    assert.equal((await ask(gate, good.token, { headers: from(address) })).status, 200);
    await assertTooMany(await fail(address));
    assert.equal((await fail(newAddress())).status, 401);
  });

  test("counts each way of being no good", async () => {
    const address = newAddress();
    const [revoked, embed] = [await gate.createToken(), await mint(gate)];
    await gate.api("DELETE", `/tokens/${revoked.id}`);
    const management = { target: "/gatepass/api/tokens" };
    const key = { ...management, headers: [["Authorization", basic("operator", "wrong")]] };
    const entry = embed.embedUrl.replace(embed.token, "pat_embed_bad");
    for (const answer of [
      await fail(address, "pat_bad"),
      await fail(address, revoked.token),
      await fail(address, embed.token),
      await fail(address, "pat_bad", management),
      await ask(gate, undefined, { ...key, headers: [...key.headers, ...from(address)] }),
      await enter(gate, entry, { headers: from(address) }),
    ]) {
      assert.equal(answer.status, 401, answer.text);
    }
    await assertTooMany(await fail(address));
    const page = await enter(gate, entry, { headers: from(address) });
    assert.equal(page.status, 429);
    assert.match(page.text, /data-code="rate_limited"/);
    await assertRateLimit(page, ["failures", 6, 60, 0]);
  });

  test("does not count what has no credential, or lacks a scope", async () => {
    const address = newAddress();
    const { token } = await gate.createToken({ scopes: [] });
    for (let i = 0; i < 8; i++) {
      assert.equal((await fail(address, "")).status, 401);
      assert.equal((await fail(address, token, { target: "/odata/" })).status, 403);
    }
    assert.equal((await fail(address)).status, 401);
  });

  test("counts an IPv6 network of 64 bits as one address", async () => {
    for (let i = 1; i <= 6; i++) await fail(`2001:db8:0:7:${i}::${i}`);
    await assertTooMany(await fail("2001:db8:0:7:ffff::1"));
    await assertTooMany(await fail("2001:0DB8:0000:0007::"));
    assert.equal((await fail("2001:db8:0:8::1")).status, 401);
  });

  test("counts an address once, however it is written", async () => {
    for (let i = 0; i < 6; i++) await fail(i % 2 ? "203.0.113.9" : "::ffff:203.0.113.9");
    await assertTooMany(await fail("203.0.113.9"));
  });

  test("is told to other isolates by the runtime's limiter", async () => {
    const address = newAddress();
    await exhaust(address);
    const second = { port: gate.ports.second };
    const statuses = [];
    for (let i = 0; i < 8; i++) {
      statuses.push((await fail(address, "pat_bad", second)).status);
      await pause(30); // the limiter's answer
    }
    // Of five it asks; by itself it would refuse the seventh.
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
  });

  test("holds, and hinders nobody else, where the runtime's limiter is out of order", async () => {
    const address = thrown.slice("failures:".length);
    await exhaust(address);
    await assertTooMany(await fail(address));
    assert.equal((await ask(gate, good.token, { headers: from(address) })).status, 200);
    assert.match(gate.output(), /"event":"limiter_failed"/);
  });
});

describe("how many requests a token may make", { concurrency: true }, () => {
  const tokenRequests = { limit: 20, seconds: 60 };
  let gate;
  let brief;
  before(async () => {
    [gate, brief] = await Promise.all([
      startEmbedGate({ vars: { LIMITS: { tokenRequests } }, second: true }),
      startRawGate({ vars: { LIMITS: { tokenRequests: { limit: 4, seconds: 20 } } } }),
    ]);
  });
  after(() => Promise.all([gate?.stop(), brief?.stop()]));

  const make = () => gate.createToken({ user: newUser() });

  async function assertTooMany(answer, rule = ["token", 20, 60, 0]) {
    assertRefused(answer, 429, "rate_limited");
    return assertRateLimit(answer, rule);
  }

  test("is limited, and told from a tenth that is left", async () => {
    const { token } = await make();
    for (let i = 1; i <= 20; i++) {
      const answer = await ask(gate, token);
      assert.equal(answer.status, 200, `request ${i}`);
      if (i < 18) hasNoRateLimit(answer);
      else await assertRateLimit(answer, ["token", 20, 60, 20 - i]);
    }
    for (let i = 0; i < 3; i++) await assertTooMany(await ask(gate, token));
    const { token: other } = await make();
    hasNoRateLimit(await ask(gate, other));
  });

  test("counts each method and path, and what comes at once", async () => {
    const { token } = await make();
    const many = Array.from({ length: 30 }, (_, i) =>
      ask(gate, token, {
        method: ["GET", "POST", "DELETE"][i % 3],
        target: ["/echo/a", "/api/v1/jobs/", "/odata/"][i % 3],
        ...(i % 3 === 1 && { body: "{}", headers: [["Content-Type", "application/json"]] }),
      }),
    );
    const statuses = (await Promise.all(many)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 429).length, 10, statuses.join(" "));
  });

  test("counts neither public paths, nor Gatepass's own, nor what is refused", async () => {
    const { token } = await gate.createToken({ user: newUser(), scopes: ["tokens"] });
    for (let i = 0; i < 25; i++) {
      assert.equal((await ask(gate, token, { target: "/public/hello" })).status, 200);
      assert.equal((await ask(gate, token, { target: "/odata/" })).status, 403);
      const self = { target: "/gatepass/api/tokens/self" };
      assert.equal((await ask(gate, token, self)).status, 200);
    }
    const answer = await ask(gate, token);
    assert.equal(answer.status, 200);
    hasNoRateLimit(answer);
  });

  test("is shared by isolates, which overshoot by a twentieth each", async () => {
    const { token } = await make();
    const ports = [gate.port, gate.ports.second];
    let passed = 0;
    for (let i = 0; i < 40; i++) {
      const { status } = await ask(gate, token, { port: ports[i % 2] });
      if (status === 200) passed++;
      await pause(30); // the other one's report
    }
    assert.ok(passed >= 20 && passed <= 22, `${passed}`);
    for (const port of ports) await assertTooMany(await ask(gate, token, { port }));
  });

  test("counts what an embed token's sessions ask for", async () => {
    const token = await mint(gate);
    const [one, two] = [await openWith(gate, token), await openWith(gate, token)];
    const statuses = [];
    for (let i = 0; i < 21; i++) {
      const visit = i % 2 ? one : two;
      statuses.push((await visit.ask("/public/hello")).status);
    }
    assert.deepEqual(new Set(statuses.slice(0, 20)), new Set([200]));
    const refused = await one.ask("/public/hello");
    assert.equal(refused.status, 429);
    assert.equal(refused.json().code, "rate_limited");
    await assertRateLimit(refused, ["token", 20, 60, 0]);
    const page = await one.ask("/", { as: AS.frame });
    assert.match(page.text, /data-code="rate_limited"/);
  });

  test("is had again by who waits as Retry-After says, as the window slides", async () => {
    const { token } = await brief.createToken();
    const rule = ["token", 4, 20, 0];
    const opens = async () => assert.equal((await ask(brief, token)).status, 200);
    await opens();
    await opens();
    await pause(8 * SECOND);
    await opens();
    await opens();
    const first = await assertTooMany(await ask(brief, token), rule);
    assert.ok(first <= 12, `${first} s`);
    await pause(first * SECOND);
    await opens();
    await opens();
    const second = await assertTooMany(await ask(brief, token), rule);
    assert.ok(second <= 9, `${second} s`);
    await pause(second * SECOND);
    await opens();
    await opens();
    await assertTooMany(await ask(brief, token), rule);
  });

  test("leaves what the upstream answers as it is", async () => {
    const { token } = await make();
    const plain = await ask(gate, token, { target: "/odata/$metadata" });
    for (let i = 0; i < 17; i++) await ask(gate, token);
    const near = await ask(gate, token, { target: "/odata/$metadata" });
    await assertRateLimit(near, ["token", 20, 60, 1]);
    assert.equal(near.text, plain.text);
    const others = ({ headers }) =>
      headers.filter(([name]) => !/^(date|ratelimit.*)$/i.test(name)).sort();
    assert.deepEqual(others(near), others(plain));
  });
});

describe("how many requests a workspace may make", () => {
  let gate;
  before(async () => {
    const LIMITS = {
      workspaceRequests: { limit: 20, seconds: 60 },
      tokenRequests: { limit: 15, seconds: 30 },
    };
    gate = await startRawGate({
      vars: { LIMITS, WORKSPACES: ["default", "other", "third"] },
      second: true,
    });
  });
  after(() => gate?.stop());

  const make = async (workspace) => {
    const body = { name: "x", user: newUser() };
    return (await gate.api("POST", `/tokens?workspace=${workspace}`, body)).body.token;
  };

  test("is limited over all of its tokens and isolates, and no other workspace's", async () => {
    const tokens = [await make("default"), await make("default"), await make("default")];
    const ports = [gate.port, gate.ports.second];
    const answers = [];
    for (let i = 0; i < 30; i++) {
      answers.push(await ask(gate, tokens[i % 3], { port: ports[i % 2] }));
      await pause(30);
    }
    const passed = answers.filter(({ status }) => status === 200).length;
    assert.ok(passed >= 20 && passed <= 22, `${passed}`);
    await assertRateLimit(answers.at(-1), ["workspace", 20, 60, 0]);
    const elsewhere = await ask(gate, await make("other"));
    assert.equal(elsewhere.status, 200);
    hasNoRateLimit(elsewhere);
  });

  test("and a token alone reaches its own limit first", async () => {
    const token = await make("third");
    let answer;
    for (let i = 0; i < 16; i++) answer = await ask(gate, token);
    assertRefused(answer, 429, "rate_limited");
    await assertRateLimit(answer, ["token", 15, 30, 0]);
    assert.equal((await ask(gate, await make("third"))).status, 200);
  });
});

describe("where ledger and directory are away", () => {
  const LIMITS = {
    tokenRequests: { limit: 10, seconds: 60 },
    workspaceRequests: { limit: 1000, seconds: 60 },
  };
  let authority;
  let answer;
  let gate;
  before(async () => {
    authority = await startObjects(() => answer);
    gate = await startRawGate({ vars: { LIMITS }, ledger: authority, directory: authority });
    gate.kv.values.set("w/default", JSON.stringify({ v: 1, rev: 1 }));
  });
  after(() => Promise.all([gate?.stop(), authority?.stop()]));

  for (const [what, given] of [
    ["throw", "throws"],
    ["hang", "hangs"],
    ["answer 500", 500],
    ["answer junk", "junk"],
    ["answer an empty object", {}],
    ["answer numbers that are none", { count: "0", reset: "60", leaves: null }],
  ]) {
    test(`limits neither open nor block: they ${what}`, async () => {
      answer = given;
      const token = makeToken();
      gate.kv.values.set(keyOf(token), makeRecord(token));
      const begun = performance.now();
      const statuses = [];
      for (let i = 0; i < 14; i++) {
        statuses.push((await ask(gate, token)).status);
        await pause(10);
      }
      assert.deepEqual(statuses, [...Array(10).fill(200), ...Array(4).fill(429)]);
      assert.ok(performance.now() - begun < 5 * SECOND);
    });
  }
});
