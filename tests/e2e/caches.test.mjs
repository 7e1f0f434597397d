import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { privately } from "../../src/shell/guarded.js";
import { startGate, startRawGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { startServer } from "../support/stand-ins.mjs";

describe("RFC 9111 §5.2.2: an answer to one client is private", () => {
  for (const [given, expected] of [
    [null, "private"],
    ["", "private"],
    ["public", "private"],
    ["max-age=60", "private, max-age=60"],
    ["public, max-age=60", "private, max-age=60"],
    ["Public, Max-Age=60", "private, Max-Age=60"],
    ["s-maxage=60", "private"],
    ["public, s-maxage=60, max-age=5", "private, max-age=5"],
    ["public,max-age=31536000,immutable", "private, max-age=31536000, immutable"],
    ["no-cache", "private, no-cache"],
    ["no-cache, must-revalidate, proxy-revalidate", "private, no-cache, must-revalidate"],
    ['private="set-cookie", max-age=5', "private, max-age=5"],
    ['no-cache="a, public, b"', 'private, no-cache="a, public, b"'],
    ["stale-while-revalidate=9, x-public", "private, stale-while-revalidate=9, x-public"],
    [",, ,max-age=1,", "private, max-age=1"],
    ["no-store=1", "private, no-store=1"],
    ['x="no-store, private"', 'private, x="no-store, private"'],
  ]) {
    test(`${given} becomes ${expected}`, () => assert.equal(privately(given), expected));
  }

  for (const given of ["no-store", "private", "Private, max-age=5", "NO-STORE, max-age=0"]) {
    test(`${given} stays`, () => assert.equal(privately(given), undefined));
  }

  test("what has no end keeps no directive that lets others in", () => {
    for (const given of ['x="a, public', 'x="a, private', 'public, x="']) {
      const value = privately(given);
      assert.ok(value === undefined ? /no-store/.test(given) : /^private\b/.test(value), given);
    }
  });
});

describe("through the gate", () => {
  let upstream;
  let gate;
  let token;
  let caching;
  before(async () => {
    upstream = await startServer((_, response) => response.writeHead(200, caching).end("{}"));
    gate = await startRawGate({
      servers: { app: upstream.address },
      upstream: { server: "app" },
    });
    token = (await gate.createToken()).token;
  });
  after(() => Promise.all([gate?.stop(), upstream?.stop()]));

  const get = (target, headers = []) => rawRequest({ port: gate.port, target, headers });
  const SHARED = {
    "cache-control": "public, max-age=60",
    "cdn-cache-control": "max-age=600",
    "cloudflare-cdn-cache-control": "max-age=600",
    "surrogate-control": "max-age=600",
    vary: "Accept",
    expires: "Wed, 21 Oct 2099 07:28:00 GMT",
  };

  test("no header is left by which a shared cache might keep an answer", async () => {
    caching = SHARED;
    for (const headers of [
      [["Authorization", `Bearer ${token}`]],
      [["X-API-Key", token]],
      [["PRIVATE-TOKEN", token]],
    ]) {
      const answer = await get("/x.js", headers);
      assert.equal(answer.header("Cache-Control"), "private, max-age=60");
      for (const name of [
        "cdn-cache-control",
        "cloudflare-cdn-cache-control",
        "surrogate-control",
      ]) {
        assert.equal(answer.header(name), undefined);
      }
      assert.equal(answer.header("Vary"), "Accept");
    }
  });

  test("an answer that says nothing of caches becomes private too", async () => {
    caching = { expires: SHARED.expires };
    const answer = await get("/x.js", [["Authorization", `Bearer ${token}`]]);
    assert.equal(answer.header("Cache-Control"), "private");
  });

  test("and one that is stricter stays as it is", async () => {
    caching = { "cache-control": "no-store, max-age=0" };
    const answer = await get("/x.js", [["Authorization", `Bearer ${token}`]]);
    assert.deepEqual(answer.headerAll("Cache-Control"), ["no-store, max-age=0"]);
  });

  test("several Cache-Control headers count as one", async () => {
    caching = { "cache-control": ["public", "max-age=60"] };
    const answer = await get("/x.js", [["Authorization", `Bearer ${token}`]]);
    assert.deepEqual(answer.headerAll("Cache-Control"), ["private, max-age=60"]);
  });

  test("a public route's answer is left to the upstream, even for who has a token", async () => {
    caching = SHARED;
    for (const headers of [[], [["Authorization", `Bearer ${token}`]]]) {
      const answer = await get("/public/x.js", headers);
      for (const [name, value] of Object.entries(SHARED)) assert.equal(answer.header(name), value);
    }
  });

  test("no refusal is kept", async () => {
    for (const answer of [await get("/x.js"), await get("/gatepass/api/tokens")]) {
      assert.equal(answer.header("Cache-Control"), "no-store");
    }
  });

  test("the upstream is asked each time", async () => {
    caching = SHARED;
    const before = await get("/x.js", [["Authorization", `Bearer ${token}`]]);
    caching = { ...SHARED, etag: '"2"' };
    const later = await get("/x.js", [["Authorization", `Bearer ${token}`]]);
    assert.deepEqual([before.header("etag"), later.header("etag")], [undefined, '"2"']);
  });
});

describe("as it runs, with the caches of its runtime", () => {
  let gate;
  before(async () => (gate = await startGate()));
  after(() => gate?.stop());

  test("one user's answer is never another's, nor a stranger's", async () => {
    const users = await Promise.all(
      ["ada", "bob"].map(async (id) => {
        const user = { id, email: `${id}@example.com` };
        return { id, token: (await gate.createToken({ user })).token };
      }),
    );
    for (const target of [
      "/echo/x.js?cache=public,%20max-age=600",
      "/echo/x.css?cache=public,%20s-maxage=600,%20immutable",
      "/echo/logo.png",
    ]) {
      for (let round = 0; round < 3; round++) {
        for (const { id, token } of users) {
          const headers = [["Authorization", `Bearer ${token}`]];
          const answer = await rawRequest({ port: gate.port, target, headers });
          assert.equal(answer.json().headers["gatepass-user"], id);
          assert.match(answer.header("Cache-Control"), /^private\b/);
        }
        const stranger = await rawRequest({ port: gate.port, target });
        assert.equal(stranger.status, 401);
      }
    }
  });

  test("nor is an answer mixed up when many come at once", async () => {
    const users = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const user = { id: `user${i}`, email: `user${i}@example.com` };
        return { id: user.id, token: (await gate.createToken({ user })).token };
      }),
    );
    await Promise.all(
      Array.from({ length: 400 }, async (_, i) => {
        const { id, token } = users[i % users.length];
        const headers = { "x-api-key": token };
        const answer = await fetch(`${gate.url}/echo/x.js?cache=public`, { headers });
        assert.equal((await answer.json()).headers["gatepass-user"], id);
      }),
    );
  });
});
