import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import {
  AS,
  assertFramedBy,
  assertPage,
  JOBS,
  metadata,
  MODES,
  open,
  PORTAL,
  send,
  startEmbedGate,
} from "../support/embeds.mjs";

const SECOND = "https://second.example:8443";

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}, the watch page`, () => {
    let gate;
    let visit;
    before(async () => {
      gate = await startEmbedGate({ vars: { EMBED_HOST, WORKSPACES: ["default", "other"] } });
      visit = await open(gate, { allowedOrigins: [PORTAL, SECOND], sessionMinutes: 10 });
    });
    after(() => gate?.stop());

    const path = (by = visit) => `/gatepass/embed/${by.place}`;

    test("is a blank page that may be framed as the place is, and knows place and end", async () => {
      for (const as of [AS.frame, metadata("iframe", "navigate", "same-origin")]) {
        const page = await visit.own(path(), { as });
        assert.equal(page.status, 200, page.text);
        assert.equal(page.header("Content-Type"), "text/html; charset=utf-8");
        assertFramedBy(page, [PORTAL, SECOND]);
        assert.match(page.header("Content-Security-Policy"), /^default-src 'none'; /);
        assert.match(page.header("Content-Security-Policy"), / connect-src 'self';/);
        assert.match(
          page.header("Content-Security-Policy"),
          / form-action 'none'; base-uri 'none';/,
        );
        assert.deepEqual(page.headerAll("Cache-Control"), ["no-store"]);
        assert.deepEqual(page.headerAll("Referrer-Policy"), ["no-referrer"]);
        assert.deepEqual(page.headerAll("Cross-Origin-Resource-Policy"), ["cross-origin"]);
        assert.deepEqual(page.headerAll("Cross-Origin-Embedder-Policy"), ["require-corp"]);
        assert.deepEqual(page.headerAll("Set-Cookie"), []);
        const told = /^<!doctype html><html lang="en" (.*?)>/.exec(page.text)[1];
        const data = Object.fromEntries(
          [...told.matchAll(/data-([a-z-]+)="(.*?)"/g)].map(([, name, value]) => [name, value]),
        );
        const { "expires-in": expiresIn, ...rest } = data;
        assert.deepEqual(rest, {
          place: visit.place,
          url: `${visit.origin}${visit.prefix}/`,
          origins: `${PORTAL} ${SECOND}`,
        });
        assert.ok(expiresIn > 590 && expiresIn <= 600, expiresIn);
      }
    });

    test("is told by JSON until when the session is good", async () => {
      const answer = await visit.own(`${path()}/session`);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.header("Content-Type"), "application/json");
      assert.deepEqual(answer.headerAll("Cache-Control"), ["no-store"]);
      const { expiresAt, expiresIn, ...rest } = answer.json();
      assert.deepEqual(rest, { place: visit.place, url: `${visit.origin}${visit.prefix}/` });
      assert.ok(expiresIn > 590 && expiresIn <= 600);
      assert.ok(Math.abs(Date.parse(expiresAt) - Date.now() - expiresIn * 1000) < 2000);
    });

    test("is told the code once the session is over", async () => {
      for (const [end, status, code] of [
        [(by) => gate.api("DELETE", `/sessions/${by.session().id}`), 401, "session_ended"],
        [(by) => gate.api("DELETE", `/tokens/${by.token.id}`), 401, "token_revoked"],
        [
          (by) => gate.api("PATCH", `/tokens/${by.token.id}`, { enabled: false }),
          401,
          "token_disabled",
        ],
      ]) {
        const by = await open(gate);
        await end(by);
        const answer = await by.own(`${path(by)}/session`);
        assert.equal(answer.status, status);
        assert.equal(answer.json().code, code);
        assertPage(await by.own(path(by), { as: AS.frame }), status, code);
      }
    });

    test("without its cookie says that cookies are blocked, to the place's origins only", async () => {
      const origins = [PORTAL, SECOND];
      const page = await visit.own(path(), { as: AS.frame, cookie: null });
      assertPage(page, 403, "cookies_blocked", origins);
      assert.match(page.text, /id="open-tab"/);
      const junk = await visit.own(path(), { as: AS.frame, cookie: `${visit.name}=junk` });
      assertPage(junk, 401, "session_ended", origins);
      const asked = await visit.own(`${path()}/session`, { cookie: null });
      assert.equal(asked.status, 401);
      assert.equal(asked.json().code, "session_ended");
    });

    test("where nothing is known of the place tells nobody", async () => {
      const nowhere = "aaaaaaaaaaaaaaaa";
      const host = visit.prefix ? visit.host : visit.host.replace(visit.place, nowhere);
      for (const target of [
        `/gatepass/embed/${nowhere}`,
        visit.prefix ? `/embed-apps/jobs/~${nowhere}/` : "/",
      ]) {
        const page = await send(gate, `http://${host}${target}`, { headers: AS.frame });
        assert.ok([401, 403].includes(page.status), page.text);
        assertPage(
          page,
          page.status,
          page.status === 401 ? "session_ended" : "cookies_blocked",
          [],
        );
      }
    });

    test("is shown to no other site, and its JSON least", async () => {
      for (const as of [
        metadata("empty", "cors", "cross-site"),
        metadata("empty", "cors", "same-site"),
        metadata("script", "no-cors", "cross-site"),
        [],
      ]) {
        for (const target of [path(), `${path()}/session`]) {
          const answer = await visit.own(target, { as });
          assert.equal(answer.status, 403, target);
          assert.equal(answer.json().code, "cross_site");
        }
      }
      const headers = [["Origin", "https://evil.example"]];
      assert.equal((await visit.own(`${path()}/session`, { headers })).status, 403);
    });

    test("answers GET and HEAD alone, at its own paths alone", async () => {
      for (const method of ["POST", "PUT", "DELETE"]) {
        for (const target of [path(), `${path()}/session`]) {
          const answer = await visit.own(target, { method, body: "a" });
          assert.equal(answer.status, 405);
          assert.equal(answer.header("Allow"), "GET, HEAD");
        }
      }
      const head = await visit.own(path(), { method: "HEAD", as: AS.frame });
      assert.equal(head.status, 200);
      assert.equal(head.body.length, 0);
      for (const target of [
        `${path()}/`,
        `${path()}/session/`,
        `${path()}/Session`,
        `${path()}x`,
        `/gatepass/embed/${visit.place.toUpperCase()}`,
        "/gatepass/embed/",
      ]) {
        assert.equal((await visit.own(target)).status, 404, target);
      }
    });
  });

  describe(`with ${mode}, the second hop of an entry`, () => {
    let gate;
    before(async () => (gate = await startEmbedGate({ vars: { EMBED_HOST } })));
    after(() => gate?.stop());

    test("without a cookie tells a blocked one from an ended session", async () => {
      const visit = await open(gate);
      const ask = (path, options) => visit.ask(path, { as: AS.frame, cookie: null, ...options });
      for (const path of ["/?gp-opened=1", "/?a=1&gp-opened=1", "/?gp%2dopened=1"]) {
        const page = await ask(path);
        assertPage(page, 403, "cookies_blocked");
        assert.match(page.text, /<button type="button" id="open-tab" hidden>Open in a new tab</);
      }
      for (const path of ["/", "/?gp-opened=0", "/?gp-opened=", "/x?gp-opened"]) {
        const page = await ask(path);
        assertPage(page, 401, "session_ended");
        assert.doesNotMatch(page.text, /open-tab"/);
      }
      const stale = { cookie: `${visit.name}=stale` };
      assertPage(await ask("/?gp-opened=1", stale), 401, "session_ended");
      // Cookies of others are no sign that this one was kept.
      const others = { cookie: "a=1; __Host-gp-aaaaaaaaaaaaaaaa=x" };
      assertPage(await ask("/?gp-opened=1", others), 403, "cookies_blocked");
      const script = await visit.ask("/?gp-opened=1", { cookie: null });
      assert.equal(script.json().code, "session_ended");
    });
  });
}

describe("embed.js", () => {
  let gates;
  before(async () => {
    const hosts = Object.values(MODES);
    gates = await Promise.all(hosts.map((EMBED_HOST) => startEmbedGate({ vars: { EMBED_HOST } })));
  });
  after(() => Promise.all((gates ?? []).map((gate) => gate.stop())));

  test("is the SDK, for pages of any site, on every host", async () => {
    const source = await readFile(new URL("../../www/embed.js", import.meta.url), "utf8");
    const hosts = ["127.0.0.1", "embed.test", "aaaaaaaaaaaaaaaa.embed.test", "x.embed.test"];
    for (const gate of gates) {
      for (const host of hosts) {
        for (const headers of [metadata("script", "cors", "cross-site"), []]) {
          const url = `http://${host}:${gate.port}/gatepass/embed.js`;
          const answer = await send(gate, url, { headers });
          assert.equal(answer.status, 200);
          assert.equal(answer.text, source);
          assert.match(answer.header("Content-Type"), /^text\/javascript\b/);
          assert.equal(answer.header("Access-Control-Allow-Origin"), "*");
          assert.equal(answer.header("Cross-Origin-Resource-Policy"), "cross-origin");
          assert.equal(answer.header("X-Content-Type-Options"), "nosniff");
          assert.match(answer.header("Cache-Control"), /max-age=\d+/);
          assert.equal(answer.header("Set-Cookie"), undefined);
        }
      }
    }
  });

  test("is not sent again to who has it, and has no other method", async () => {
    const [gate] = gates;
    const url = `${gate.url}/gatepass/embed.js`;
    const first = await send(gate, url);
    const again = await send(gate, url, { headers: [["If-None-Match", first.header("ETag")]] });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    assert.equal((await send(gate, url, { method: "HEAD" })).status, 200);
    const post = await send(gate, url, { method: "POST", body: "a" });
    assert.equal(post.status, 405);
    assert.equal(post.header("Allow"), "GET, HEAD");
    assert.equal((await send(gate, `${url}x`)).status, 404);
  });
});

describe("the files of Gatepass's pages", () => {
  let gate;
  before(async () => (gate = await startEmbedGate()));
  after(() => gate?.stop());

  test("load from the host of the page that names them, without a cookie", async () => {
    const visit = await open(gate);
    const pages = [
      await visit.own(`/gatepass/embed/${visit.place}`, { as: AS.frame }),
      await visit.ask("/", { as: AS.frame, cookie: null }),
      await send(gate, `${gate.url}/embed-apps/jobs`, { headers: AS.frame }),
    ];
    const named = pages.flatMap(({ text }) => [...text.matchAll(/(?:src|href)="(.*?)"/g)]);
    assert.ok(named.length >= 3);
    for (const [, path] of named) {
      assert.match(path, /^\/gatepass\/embed\/[a-z]+\.(js|css)$/);
      for (const base of [visit.origin, gate.url]) {
        const answer = await send(gate, base + path, {
          headers: metadata("script", "no-cors", "same-origin"),
        });
        assert.equal(answer.status, 200, base + path);
        assert.match(answer.header("Content-Type"), /^text\/(javascript|css)\b/);
        assert.equal(answer.header("X-Content-Type-Options"), "nosniff");
      }
    }
    for (const { text } of pages) {
      assert.doesNotMatch(text, / on[a-z]+=|javascript:/i);
      assert.doesNotMatch(text, /https?:\/\/(?!portal\.example|[a-z2-7]{16}\.embed\.test)/);
    }
  });
});

describe("an upstream that does not answer", () => {
  for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
    test(`with ${mode}: 502, as a page in the frame and as a problem for a script`, async (t) => {
      const closed = createServer().listen(0, "127.0.0.1");
      await new Promise((done) => closed.once("listening", done));
      const { port } = closed.address();
      await new Promise((done) => closed.close(done));
      const vars = { EMBED_HOST, UPSTREAM: `http://127.0.0.1:${port}`, APPS: [JOBS] };
      const gate = await startEmbedGate({ vars });
      t.after(() => gate.stop());
      const visit = await open(gate);
      assertPage(await visit.ask("/", { as: AS.frame }), 502, "upstream_unavailable");
      const script = await visit.ask("/api");
      assert.equal(script.status, 502);
      assert.equal(script.header("Content-Type"), "application/problem+json");
      assert.equal(script.json().code, "upstream_unavailable");
      for (const answer of [script, await visit.ask("/", { as: AS.frame })]) {
        assert.ok(!answer.text.includes(`:${port}`));
      }
    });
  }
});
