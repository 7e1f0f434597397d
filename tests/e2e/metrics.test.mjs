// What monitoring reads: the sums of what isolates count, and the log's lines.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { bearer, until } from "../support/api.mjs";
import { startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, BEARER, INVALID_TOKEN } from "../support/refusals.mjs";
import { startObjects } from "../support/stand-ins.mjs";
import { basic, keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const KEY = randomBytes(32).toString("base64url");
const RAY = "8f2ab9c0d1e2f3a4-FRA";
const PATH = "/gatepass/metrics";
const byKey = ["Authorization", bearer(KEY)];

let gate;

before(async () => {
  gate = await startRawGate({ vars: { METRICS_KEY: KEY }, second: true });
  gate.kv.values.set("w/default", JSON.stringify({ v: 1, rev: 1 }));
});
after(() => gate?.stop());

const ask = (target, headers = [], more) =>
  rawRequest({ port: gate.port, target, headers, ...more });

/** The samples of the text, by series (Prometheus' exposition format 0.0.4). */
async function scrape() {
  const answer = await ask(PATH, [byKey]);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(answer.header("Cache-Control"), "no-store");
  const samples = new Map();
  const typed = new Set();
  for (const line of answer.text.split("\n").slice(0, -1)) {
    const [, type] = /^# TYPE (gatepass_[a-z_]+) (?:counter|gauge)$/.exec(line) ?? [];
    if (type) typed.add(type);
    if (line.startsWith("#")) continue;
    assert.match(line, /^gatepass_[a-z_]+(\{([a-z]+="[a-z_0-9]*",?)+\})? \d+(\.\d+)?$/);
    const [series, value] = line.split(" ");
    assert.ok(typed.has(series.split("{")[0]), `${series} has a type`);
    assert.ok(!samples.has(series), `${series} is there once`);
    samples.set(series, Number(value));
  }
  assert.ok(answer.text.endsWith("\n"));
  return samples;
}

const requests = (outcome, status, code = "") =>
  `gatepass_requests_total{outcome="${outcome}",status="${status}",code="${code}"}`;
const faults = (event) => `gatepass_faults_total{event="${event}"}`;

function inKv(fields) {
  const token = makeToken();
  gate.kv.values.set(keyOf(token), makeRecord(token, { sc: ["jobs:read"], ...fields }));
  return token;
}

describe("the metrics", () => {
  test("are for whoever has their key, as Prometheus sends it", async () => {
    for (const header of [bearer(KEY), basic("prometheus", KEY), basic("", KEY)]) {
      assert.equal((await ask(PATH, [["Authorization", header]])).status, 200);
    }
    const head = await ask(PATH, [byKey], { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""]);
  });

  test("are for nobody else", async () => {
    const pat = (await gate.createToken()).token;
    assertRefused(await ask(PATH), 401, "token_missing", [BEARER]);
    for (const text of [gate.operatorKey, pat, makeToken(), `${KEY}x`, KEY.slice(1), "x"]) {
      for (const header of [bearer(text), basic("prometheus", text)]) {
        const answer = await ask(PATH, [["Authorization", header]]);
        assertRefused(answer, 401, "token_unknown", [INVALID_TOKEN]);
      }
    }
    const twice = await ask(PATH, [byKey, ["X-API-Key", KEY]]);
    assert.equal(twice.status, 400);
  });

  test("are for no page of another site, whose browser repeats Basic", async () => {
    const headers = [
      ["Authorization", basic("prometheus", KEY)],
      ["Sec-Fetch-Site", "cross-site"],
    ];
    assertRefused(await ask(PATH, headers), 403, "cross_site");
  });

  test("RFC 9110 §15.5.6: are read by GET", async () => {
    const answer = await ask(PATH, [byKey], { method: "POST", body: "{}" });
    assertRefused(answer, 405, "invalid_request");
    assert.equal(answer.header("Allow"), "GET, HEAD");
  });

  test("are there for nobody where there is no key", async (t) => {
    const closed = await startRawGate();
    t.after(closed.stop);
    for (const headers of [[], [byKey], [["Authorization", basic("x", closed.operatorKey)]]]) {
      const answer = await rawRequest({ port: closed.port, target: PATH, headers });
      assertRefused(answer, 404, "invalid_request");
    }
  });

  test("open nothing but themselves", async () => {
    for (const target of ["/api/v1/jobs/", "/gatepass/api/tokens", "/gatepass/api/settings"]) {
      assert.equal((await ask(target, [byKey])).status, 401);
    }
  });
});

test("their key goes on to no upstream, on a public route either", async () => {
  for (const header of [byKey, ["Authorization", basic("p", KEY)], ["X-API-Key", KEY]]) {
    const answer = await ask("/public/echo", [header]);
    assert.ok(answer.status < 500 && !answer.text.includes(KEY), answer.text);
  }
});

describe("requests are counted", () => {
  const jobs = (token, options) =>
    ask("/api/v1/jobs/", token ? [["Authorization", bearer(token)]] : [], options);

  test("by outcome, status and code, over all isolates", async () => {
    const before = await scrape();
    const [good, revoked] = [inKv({}), inKv({ st: "r" })];
    for (const port of [gate.port, gate.ports.second]) {
      assert.equal((await jobs(good, { port })).status, 200);
      assert.equal((await jobs(good, { port })).status, 200);
      await jobs(revoked, { port });
      await jobs(undefined, { port });
      await ask("/status/500", [["Authorization", bearer(good)]], { port });
      await ask("/gatepass/healthz", [], { port });
    }
    const expected = {
      [requests("allowed", 200)]: 4,
      [requests("answered", 401, "token_revoked")]: 2,
      [requests("answered", 401, "token_missing")]: 2,
      [requests("allowed", 500)]: 2,
    };
    // The other isolate tells with a request that comes later.
    await until(
      async () => {
        await ask("/gatepass/healthz", [], { port: gate.ports.second });
        const now = await scrape();
        const grown = (series) => (now.get(series) ?? 0) - (before.get(series) ?? 0);
        return Object.entries(expected).every(([series, count]) => grown(series) === count);
      },
      "the sums",
      40_000,
    );
  });

  test("and name nobody: no token, no user, no path", async () => {
    const token = inKv({ uid: "somebody", em: "somebody@example.com" });
    await jobs(token);
    await ask(`/gatepass/${token}`);
    for (const series of (await scrape()).keys()) assert.doesNotMatch(series, /somebody|pat_|jobs/);
  });
});

describe("faults", () => {
  const lines = () =>
    [...gate.output().matchAll(/^.*?(\{"level".*\})$/gm)].map(([, line]) => JSON.parse(line));

  test("are a line in the log each, with the request's Ray ID, and are counted", async () => {
    const before = (await scrape()).get(faults("store_failed")) ?? 0;
    const token = inKv({});
    gate.kv.faults.set(keyOf(token), "throws");
    const headers = [
      ["Authorization", bearer(token)],
      ["CF-Ray", RAY],
    ];
    assertRefused(await ask("/api/v1/jobs/", headers), 503, "store_unavailable");
    const line = await until(() => lines().find(({ ray }) => ray === RAY), "the line");
    assert.deepEqual(
      { ...line, at: undefined, message: undefined },
      {
        ...{ level: "error", event: "store_failed", ray: RAY, error: "Error" },
        ...{ binding: "RECORDS", at: undefined, message: undefined },
      },
    );
    assert.match(line.message, /500/);
    assert.equal((await scrape()).get(faults("store_failed")), before + 1);
  });

  test("tell no Ray ID that is none", async () => {
    const token = inKv({});
    gate.kv.faults.set(keyOf(token), "throws");
    const count = lines().length;
    const headers = [["Authorization", bearer(token)]];
    await ask("/api/v1/jobs/", [...headers, ["CF-Ray", `${RAY}"},{"event":"forged`]]);
    const line = await until(() => lines()[count], "the line");
    assert.deepEqual([line.event, line.ray], ["store_failed", undefined]);
  });

  test("of the upstream are no requests that were allowed", async () => {
    const before = await scrape();
    const token = inKv({});
    const answer = await ask("/fail", [["Authorization", bearer(token)]]);
    assertRefused(answer, 502, "upstream_unavailable");
    const now = await scrape();
    const grown = (series) => (now.get(series) ?? 0) - (before.get(series) ?? 0);
    assert.equal(grown(requests("answered", 502, "upstream_unavailable")), 1);
    assert.equal(grown(requests("allowed", 200)), 0);
    assert.equal(grown(faults("upstream_failed")), 1);
  });
});

test("the age of what KV has not accepted is told, until it has", async () => {
  const settled = await scrape();
  assert.equal(settled.get("gatepass_outbox_age_seconds"), 0);
  gate.kv.putFault = "throws";
  await gate.createToken({ user: { id: "behind" } });
  const behind = await until(async () => {
    const samples = await scrape();
    return samples.get("gatepass_outbox_age_seconds") > 0 && samples;
  }, "the age");
  assert.ok(behind.get("gatepass_outbox_entries") >= 1);
  assert.match(gate.output(), /"event":"outbox_lags","class":"Ledger","seconds":\d+,"entries":\d/);
  assert.match(gate.output(), /"event":"put_failed"/);
  gate.kv.putFault = undefined;
});

test("metrics that cannot be summed up stop no request", async (t) => {
  const directory = await startObjects(() => "throws");
  const gate = await startRawGate({ directory, vars: { METRICS_KEY: KEY } });
  t.after(() => Promise.all([gate.stop(), directory.stop()]));
  gate.kv.values.set("w/default", JSON.stringify({ v: 1, rev: 1 }));
  const token = makeToken();
  gate.kv.values.set(keyOf(token), makeRecord(token, { sc: ["jobs:read"] }));
  for (let i = 0; i < 4; i++) {
    const headers = [["Authorization", bearer(token)]];
    const answer = await rawRequest({ port: gate.port, target: "/api/v1/jobs/", headers });
    assert.equal(answer.status, 200);
  }
  const answer = await rawRequest({ port: gate.port, target: PATH, headers: [byKey] });
  assertRefused(answer, 503, "store_unavailable");
});
