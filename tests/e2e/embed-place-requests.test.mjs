import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AS,
  assertPage,
  JOBS,
  MODES,
  newUser,
  open,
  openWith,
  mint,
  send,
  startEmbedGate,
} from "../support/embeds.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { basic } from "../support/tokens.mjs";

// The upstream tells what it got; the second one is an app's own, below a base path.
let upstream;
let own;
before(async () => {
  const tell = (request, response) => {
    const { method, url, rawHeaders } = request;
    const headers = {};
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i].toLowerCase();
      headers[name] = [...(headers[name] ?? []), rawHeaders[i + 1]];
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, headers }));
  };
  [upstream, own] = await Promise.all([startServer(tell), startServer(tell)]);
});
after(() => Promise.all([upstream?.stop(), own?.stop()]));

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}, the upstream`, () => {
    let gate;
    let visit;
    before(async () => {
      const reports = { id: "reports", name: "R", upstream: `${own.url}/base/app` };
      const vars = { EMBED_HOST, APPS: [JOBS, reports], UPSTREAM: upstream.url };
      gate = await startEmbedGate({ vars });
      visit = await open(gate);
    });
    after(() => gate?.stop());

    /** What the upstream got. */
    const seen = (path = "/x", options = {}, by = visit) => by.echo(options, path);

    test("learns whose embed it is, of which app, and where it is mounted", async () => {
      const id = "Zoë 100%";
      const zoe = await open(gate, { user: { id, email: "zoë@example.com" } });
      const { headers } = await seen("/x", {}, zoe);
      const one = (name) => {
        assert.equal(headers[name]?.length, 1, name);
        return headers[name][0];
      };
      assert.equal(one("gatepass-user"), "Zo%C3%AB%20100%25");
      assert.equal(one("gatepass-email"), "zo%C3%AB@example.com");
      assert.equal(one("gatepass-workspace"), "default");
      assert.equal(one("gatepass-token-id"), zoe.token.id);
      assert.equal(one("gatepass-app"), "jobs");
      assert.equal(one("gatepass-scopes"), "");
      assert.equal(one("x-forwarded-host"), zoe.host);
      assert.equal(one("x-forwarded-proto"), "http");
      if (zoe.prefix) assert.equal(one("x-forwarded-prefix"), zoe.prefix);
      else assert.equal(headers["x-forwarded-prefix"], undefined);
    });

    test("gets nothing of what a client claims to be", async () => {
      const forged = [
        ["Gatepass-User", "mallory"],
        ["GATEPASS_USER", "mallory"],
        ["Gatepass_App", "mallory"],
        ["Gatepass-App", "mallory"],
        ["X-Forwarded-Prefix", "/mallory"],
        ["X-Forwarded-Host", "mallory"],
        ["X-Forwarded-For", "mallory"],
        ["X-Original-URL", "/mallory"],
        ["X-HTTP-Method-Override", "MALLORY"],
        ["Forwarded", "for=mallory"],
      ];
      for (const headers of [...forged.map((one) => [one]), forged]) {
        const got = await seen("/x", { headers });
        assert.ok(!JSON.stringify(got).toLowerCase().includes("mallory"), `${headers}`);
      }
    });

    test("gets no credential of Gatepass's, whatever came with the request", async () => {
      const pat = await gate.createToken();
      const { token } = visit.token;
      for (const header of [
        ["Authorization", `Bearer ${pat.token}`],
        ["Authorization", basic("any", pat.token)],
        ["Authorization", `Bearer ${token}`],
        ["Authorization", basic("operator", gate.operatorKey)],
        ["X-API-Key", pat.token],
        ["PRIVATE-TOKEN", token],
        ["Referer", visit.url],
        ["X_API_Key", pat.token],
        ["X-Own", "1"],
      ]) {
        const cookie = `${visit.cookie}; a=${token}; b=${pat.token}`;
        const got = JSON.stringify(await seen("/x", { cookie, headers: [header] }));
        for (const secret of [pat.token, token, gate.operatorKey, visit.value]) {
          assert.ok(!got.includes(secret), header[0]);
          assert.ok(!got.includes(Buffer.from(`any:${secret}`).toString("base64")), header[0]);
        }
      }
    });

    test("gets what is its own: other schemes, a body, a query, a method", async () => {
      const got = await seen("/x?a=b&c=%2F", {
        method: "PROPFIND",
        headers: [
          ["Authorization", "Token of-the-app"],
          ["X-Own", "1"],
        ],
      });
      assert.equal(got.method, "PROPFIND");
      assert.equal(got.url, "/x?a=b&c=%2F");
      assert.deepEqual(got.headers.authorization, ["Token of-the-app"]);
      assert.deepEqual(got.headers["x-own"], ["1"]);
    });

    test("gets each path as it is in the place", async () => {
      for (const path of [
        "/",
        "/?",
        "/a//b",
        "//evil.example/x",
        "/a%2fb",
        "/a%25b",
        "/%61dmin",
        "/ADMIN",
        "/caf%C3%A9",
        "/a;b=c",
        "/gatepass",
        "/embed-apps/jobs",
        "/~x",
        "/a?next=https://evil.example/../%2e%2e",
      ]) {
        // In a host place these two are Gatepass's.
        if (!visit.prefix && ["/gatepass", "/embed-apps/jobs"].includes(path)) continue;
        const { url } = await seen(path);
        assert.equal(url, path);
      }
    });

    test("gets no path that climbs, however it is spelt: 400, or where the URL standard resolves it", async () => {
      for (const path of [
        "/..%2fx",
        "/a/..%2f..%2fx",
        "/%2e%2e%2fx",
        "/%2E%2E%5cx",
        "/..%5cx",
        "/a/%252e%252e/x",
        "/%252e%252e%252fx",
        "/..;/x",
        "/..%3b/x",
        "/%c0%ae%c0%ae/x",
        "/..%00/x",
        "/x%0d%0ay",
      ]) {
        const answer = await visit.ask(path);
        assert.equal(answer.status, 400, `${path} ${answer.text.slice(0, 200)}`);
        assert.equal(answer.json().code, "invalid_request");
      }
      for (const path of ["/../x", "/a/../../x", "/%2e%2e/x", "/.%2E/x", "/a/../../../../../x"]) {
        const answer = await visit.ask(path);
        if (visit.prefix) assert.notEqual(answer.status, 200, path);
        else assert.equal(answer.json().url, "/x", path);
      }
    });

    test("gets its own cookies and no other", async () => {
      const { place, cookie } = visit;
      const theirs = "aaaaaaaaaaaaaaaa";
      const main = "main=1; __Host-main=2";
      const gatepass = `__Host-gp-${theirs}=x; __Host-gatepass=y; __HOST-GATEPASS-z=z`;
      const inPath = `gp-${place}-sid=7; gp-${place}-__Host-a=b; gp-${theirs}-sid=8`;
      const all = `${main}; ${cookie}; ${gatepass}; ${inPath}`;
      const { headers } = await seen("/x", { cookie: all });
      const wanted = visit.prefix ? "sid=7; __Host-a=b" : main;
      assert.deepEqual(headers.cookie, [wanted]);
      // In two headers, which arrive joined by a comma, and in the other order.
      const two = await seen("/x", {
        cookie: null,
        headers: [
          ["Cookie", `${inPath}; ${main}`],
          ["Cookie", `${gatepass}; ${cookie}`],
        ],
      });
      assert.deepEqual(two.headers.cookie, [wanted]);
      assert.equal((await seen("/x")).headers.cookie, undefined);
    });

    test("by URL sees the request come from its own origin, since the place itself asks", async () => {
      const headers = [["Origin", visit.origin]];
      const options = { method: "POST", body: "a=b", headers };
      assert.deepEqual((await seen("/x", options)).headers.origin, [upstream.url]);
      assert.equal((await seen("/x")).headers.origin, undefined);
      const reports = await open(gate, { app: "reports" });
      const got = await seen("/x", { ...options, headers: [["Origin", reports.origin]] }, reports);
      assert.deepEqual(got.headers.origin, [own.url]);
    });

    test("is an app's own where it has one, below its base path", async () => {
      const reports = await open(gate, { app: "reports" });
      const got = await seen("/x/y?z=1", {}, reports);
      assert.equal(got.url, "/base/app/x/y?z=1");
      assert.deepEqual(got.headers.host, [own.address]);
      assert.deepEqual(got.headers["gatepass-app"], ["reports"]);
      assert.equal((await seen("//evil.example/x", {}, reports)).url, "/base/app//evil.example/x");
      const climbing = await reports.ask("/..%2f..%2fsecret");
      assert.equal(climbing.status, 400);
      assert.equal((await seen("/", {}, reports)).url, "/base/app/");
    });

    test("of an app's own does not get the secret that is for the main one", async (t) => {
      const reports = { id: "reports", name: "R", upstream: own.url };
      const vars = {
        ...{ EMBED_HOST, APPS: [JOBS, reports], UPSTREAM: upstream.url },
        UPSTREAM_AUTHORIZATION: "Bearer for-the-main-upstream",
      };
      const other = await startEmbedGate({ vars });
      t.after(() => other.stop());
      const jobs = await open(other);
      const got = await seen("/x", { headers: [["Authorization", "Token x"]] }, jobs);
      assert.deepEqual(got.headers.authorization, ["Bearer for-the-main-upstream"]);
      const app = await open(other, { app: "reports" });
      assert.ok(!JSON.stringify(await seen("/x", {}, app)).includes("for-the-main-upstream"));
    });

    test("is asked by no method that a proxy must not pass on", async () => {
      for (const method of ["TRACE", "TRACK"]) {
        const answer = await visit.ask("/x", { method });
        assert.ok([405, 400, 501].includes(answer.status), `${method} ${answer.status}`);
      }
      const withBody = await visit.ask("/x", { method: "GET", body: "a" });
      assert.equal(withBody.status, 400);
    });

    test("is opened by no PAT, in whatever form: a place wants its session", async () => {
      const pat = await gate.createToken({ apps: ["*"], user: visit.token.user });
      for (const header of [
        ["Authorization", `Bearer ${pat.token}`],
        ["Authorization", basic("any", pat.token)],
        ["X-API-Key", pat.token],
        ["PRIVATE-TOKEN", pat.token],
        ["Authorization", basic("operator", gate.operatorKey)],
      ]) {
        const answer = await visit.ask("/x", { cookie: null, headers: [header] });
        assert.equal(answer.status, 401, header[0]);
        assert.equal(answer.json().code, "session_ended");
      }
      assertPage(await visit.ask("/", { as: AS.frame, cookie: null }), 401, "session_ended");
    });

    test("behind an API path is opened by no session and no embed token", async () => {
      const site = gate.url;
      for (const headers of [
        [["Cookie", visit.cookie]],
        [["Authorization", `Bearer ${visit.value}`]],
        [["Authorization", `Bearer ${visit.token.token}`]],
        [["Authorization", basic("any", visit.token.token)]],
        [["X-API-Key", visit.token.token]],
      ]) {
        for (const target of ["/api/v1/jobs/", "/gatepass/api/tokens", "/gatepass/api/sessions"]) {
          const answer = await send(gate, site + target, { headers });
          assert.equal(answer.status, 401, `${target} ${headers}`);
          assert.ok(
            ["token_missing", "kind_mismatch", "token_malformed"].includes(answer.json().code),
          );
        }
      }
    });
  });
}

describe("what a place is not", () => {
  let gate;
  before(async () => (gate = await startEmbedGate()));
  after(() => gate?.stop());

  test("a public route's: nobody is let in without a session", async () => {
    const visit = await open(gate);
    for (const path of ["/public/hello", "/", "/api/v1/jobs/"]) {
      const answer = await visit.ask(path, { cookie: null });
      assert.equal(answer.json().code, "session_ended");
    }
    // And what the main site asks scopes for is the app's own affair here.
    assert.equal((await visit.ask("/api/v1/jobs/")).status, 200);
  });

  test("Gatepass's: none of its other paths is there, with whatever credential", async () => {
    const visit = await open(gate);
    const headers = [["Authorization", basic("operator", gate.operatorKey)]];
    for (const target of [
      "/gatepass",
      "/gatepass/",
      "/gatepass/api/tokens",
      "/gatepass/api/sessions",
      "/gatepass/x",
      "/gatepass/embed",
      "/embed-apps/",
      `/embed-apps/jobs/~${visit.place}/`,
    ]) {
      const answer = await visit.own(target, { headers });
      assert.equal(answer.status, 404, `${target} ${answer.text.slice(0, 200)}`);
    }
    const tooljet = await visit.own("/api/ext/users/personal-access-token", {
      headers: [...headers, ["Content-Type", "application/json"]],
      method: "POST",
      body: "{}",
    });
    assert.equal(tooljet.status, 404);
    assert.match(tooljet.text, /there is nothing here/); // the upstream's words
  });

  test("another user's, though both look at one app: each sees themself", async () => {
    const users = [newUser(), newUser()];
    const tokens = await Promise.all(users.map((user) => mint(gate, { user })));
    const visits = await Promise.all(tokens.map((token) => openWith(gate, token)));
    const told = await Promise.all(
      Array.from({ length: 40 }, (_, i) => visits[i % 2].echo({}, `/echo/${i}`)),
    );
    for (const [i, { headers }] of told.entries()) {
      assert.equal(headers["gatepass-user"], users[i % 2].id);
      assert.equal(headers["gatepass-token-id"], tokens[i % 2].id);
    }
  });
});

describe("a host of its own for path places", () => {
  let gate;
  before(async () => (gate = await startEmbedGate({ vars: { EMBED_HOST: "embed.test" } })));
  after(() => gate?.stop());

  test("serves nothing else: neither the upstream nor the API", async () => {
    const pat = await gate.createToken();
    for (const [target, status] of [
      ["/", 404],
      ["/public/hello", 404],
      ["/api/v1/jobs/", 404],
      ["/gatepass/api/tokens", 404],
      ["/api/ext/users/personal-access-token", 404],
      ["/gatepass/healthz", 200],
      ["/gatepass/embed.js", 200],
    ]) {
      for (const headers of [
        [["Authorization", `Bearer ${pat.token}`]],
        [["Authorization", basic("operator", gate.operatorKey)]],
      ]) {
        const answer = await send(gate, `http://embed.test:${gate.port}${target}`, { headers });
        assert.equal(answer.status, status, `${target} ${answer.text.slice(0, 200)}`);
      }
    }
  });

  test("leaves the main site as it is, but for embeds, which are 421 there", async () => {
    const visit = await open(gate);
    for (const [target, status] of [
      ["/public/hello", 200],
      ["/embed-apps/jobs", 421],
      [`${visit.prefix}/public/hello`, 421],
      [`/gatepass/embed/${visit.place}`, 421],
    ]) {
      const headers = [...AS.script, ["Cookie", visit.cookie]];
      assert.equal((await send(gate, gate.url + target, { headers })).status, status, target);
    }
  });
});
