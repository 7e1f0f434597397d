import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AS,
  assertFramedBy,
  assertIn,
  assertPage,
  enter,
  maxAge,
  metadata,
  mint,
  MODES,
  newUser,
  open,
  openWith,
  placeOf,
  PORTAL,
  send,
  startEmbedGate,
} from "../support/embeds.mjs";

const SECOND_APP = { id: "Reports_2-b", name: "Reports", allowedOrigins: ["https://r.example"] };
const APPS = [{ id: "jobs", name: "Jobs" }, SECOND_APP];
const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=";

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}, an entry`, () => {
    let gate;
    before(async () => (gate = await startEmbedGate({ vars: { EMBED_HOST, APPS } })));
    after(() => gate?.stop());

    const isPath = EMBED_HOST !== "*.embed.test";
    const hostOf = (place) => {
      const names = { "*.embed.test": `${place}.embed.test`, "embed.test": "embed.test" };
      return `${names[EMBED_HOST] ?? "127.0.0.1"}:${gate.port}`;
    };
    const rootOf = (place, app = "jobs") => (isPath ? `/embed-apps/${app}/~${place}/` : "/");

    test("is at the URL that design.md says, in the place that it says", async () => {
      const user = newUser();
      for (const [fields, app, label] of [
        [{}, "jobs", ""],
        [{ label: "links ← rechts" }, "jobs", "links ← rechts"],
        [{ app: SECOND_APP.id }, SECOND_APP.id, ""],
      ]) {
        const { token, embedUrl } = await mint(gate, { user, ...fields });
        const place = placeOf("default", user.id, app, label);
        const host = hostOf(place);
        assert.equal(embedUrl, `http://${host}/embed-apps/${app}?personal-access-token=${token}`);
      }
    });

    test("is 303 to the place, with the session in a cookie and the token in no URL", async () => {
      const { token, embedUrl, user } = await mint(gate);
      const place = placeOf("default", user.id, "jobs");
      const entry = await enter(gate, embedUrl);
      assert.equal(entry.status, 303, entry.text);
      assert.equal(entry.body.length, 0);
      assert.deepEqual(entry.headerAll("Location"), [`${rootOf(place)}?gp-opened=1`]);
      assert.deepEqual(entry.headerAll("Cache-Control"), ["no-store"]);
      assert.deepEqual(entry.headerAll("Referrer-Policy"), ["no-referrer"]);
      assert.deepEqual(entry.headerAll("X-Content-Type-Options"), ["nosniff"]);
      const [cookie, ...others] = entry.headerAll("Set-Cookie");
      assert.deepEqual(others, []);
      const [pair] = cookie.split(";");
      assert.match(pair, new RegExp(`^__Host-gp-${place}=[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{43}$`));
      assert.ok(pair.split("=")[1].length <= 400, pair);
      assert.equal(cookie.replace(/\d+$/, ""), `${pair}; ${ATTRIBUTES}`);
      assert.ok(Math.abs(maxAge(cookie) - 3600) <= 2, cookie);
      assertFramedBy(entry, [PORTAL]);
      const all = JSON.stringify(entry.headers);
      for (const secret of [token, token.slice(14), encodeURIComponent(token)]) {
        assert.ok(!all.includes(secret));
      }
    });

    test("opens the app for the token's user", async () => {
      const visit = await open(gate);
      const home = await visit.ask("/?gp-opened=1", { as: AS.frame });
      assert.equal(home.status, 200, home.text);
      assert.match(home.text, /<h1>Demo upstream/);
      const { headers, url } = await visit.echo({}, "/echo/x?gp-opened=1&a=1");
      assert.equal(headers["gatepass-user"], visit.token.user.id);
      assert.equal(new URL(url).search, "?a=1");
    });

    test("leaves out of the upstream's query what is Gatepass's, in any spelling", async () => {
      const visit = await open(gate);
      const token = visit.token.token;
      for (const [query, rest] of [
        ["?gp-opened=1", ""],
        ["?gp%2Dopened=1&b=2", "?b=2"],
        ["?a=1&gp-opened=1&b=2", "?a=1&b=2"],
        [`?a=1&t=${token}`, "?a=1"],
        [`?a=%70at_embed_${token.slice(10)}`, ""],
      ]) {
        const { url } = await visit.echo({}, `/echo/x${query}`);
        assert.equal(new URL(url).search, rest, query);
      }
    });

    test("passes its other parameters to the app, inside the place only", async () => {
      for (const [query, passed] of [
        ["tab=open&id=7", "tab=open&id=7"],
        ["next=https://evil.example/", "next=https://evil.example/"],
        ["redirect_to=//evil.example", "redirect_to=//evil.example"],
        ["next=%0d%0aSet-Cookie:%20a=b", "next=%0d%0aSet-Cookie:%20a=b"],
        ["a=1#/../../x", "a=1"],
        ["?/../..//evil.example", "?/../..//evil.example"],
        ["gp-opened=0&a=1", "a=1"],
      ]) {
        const token = await mint(gate);
        const target = new URL(token.embedUrl).pathname;
        const { search, host } = new URL(token.embedUrl);
        const entry = await enter(gate, token.embedUrl, {
          target: `${target}${search}&${query}`,
        });
        const place = placeOf("default", token.user.id, "jobs");
        const location = `${rootOf(place)}?gp-opened=1&${passed}`;
        assert.equal(entry.header("Location"), location, query);
        const resolved = new URL(location, token.embedUrl);
        assert.equal(resolved.host, host);
        assert.ok(resolved.pathname.startsWith(rootOf(place)));
      }
    });

    test("may have its parameters in any order and the token percent-encoded", async () => {
      const { token, embedUrl } = await mint(gate);
      const { pathname } = new URL(embedUrl);
      const spelt = `%70${token.slice(1)}`;
      const target = `${pathname}?a=1&personal%2Daccess-token=${spelt}&b=2`;
      const entry = await enter(gate, embedUrl, { target });
      assert.equal(entry.status, 303, entry.text);
      assert.match(entry.header("Location"), /\?gp-opened=1&a=1&b=2$/);
    });

    test("with gp-renew ends on the watch page and opens a session of the same place", async () => {
      const visit = await open(gate);
      const renewal = await enter(gate, `${visit.token.embedUrl}&gp-renew=1&a=1`);
      assert.equal(renewal.status, 303);
      assert.equal(renewal.header("Location"), `/gatepass/embed/${visit.place}`);
      const [cookie] = renewal.header("Set-Cookie").split(";");
      assert.equal(cookie.split("=")[0], visit.name);
      assert.notEqual(cookie, visit.cookie);
      await assertIn(visit, { cookie });
      await assertIn(visit);
      for (const not of ["gp-renew=0", "gp-renew=", "gp-renew=1&gp-renew=1", "gp-renew=true"]) {
        const entry = await enter(gate, `${visit.token.embedUrl}&${not}`);
        assert.equal(entry.header("Location"), `${rootOf(visit.place)}?gp-opened=1`, not);
      }
    });

    test("of a later token for the same user, app and label opens the same place", async () => {
      const user = newUser();
      const first = await open(gate, { user, label: "a" });
      const second = await open(gate, { user, label: "a" });
      const other = await open(gate, { user, label: "b" });
      assert.equal(second.origin + second.prefix, first.origin + first.prefix);
      assert.notEqual(other.place, first.place);
      // Each has its own session, and one place's cookie opens no other.
      await assertIn(first);
      await assertIn(first, { cookie: second.cookie });
      const crossed = await other.ask("/public/hello", { cookie: first.cookie });
      assert.equal(crossed.json().code, "session_ended");
    });

    test("of a workspace-wide token opens each app in a place of its own", async () => {
      const token = await mint(gate, { apps: ["*"] });
      assert.equal(token.embedUrl, undefined);
      assert.deepEqual(token.apps, ["*"]);
      const apps = token.embedUrls.map(({ app }) => app);
      assert.deepEqual(apps, ["jobs", SECOND_APP.id]);
      for (const { app, url } of token.embedUrls) {
        const visit = await openWith(gate, token, url);
        assert.equal(visit.place, placeOf("default", token.user.id, app));
        const { headers } = await visit.echo();
        assert.equal(headers["gatepass-app"], app);
      }
    });

    test("lasts as long as was asked for, and no longer than its token", async () => {
      for (const [fields, wanted] of [
        [{ sessionMinutes: 1 }, 60],
        [{ sessionMinutes: 576_000, never: true }, 576_000 * 60],
        [{ sessionMinutes: 600, expiresAt: new Date(Date.now() + 120_000).toISOString() }, 120],
        [{ sessionMinutes: 60, idleMinutes: 5 }, 300],
        [{ sessionMinutes: 5, idleMinutes: 60 }, 300],
        // A token for single use ends as it opens, so its session outlives it.
        [
          {
            ...{ sessionMinutes: 10, singleUse: true },
            expiresAt: new Date(Date.now() + 90_000).toISOString(),
          },
          600,
        ],
      ]) {
        const { embedUrl } = await mint(gate, fields);
        const entry = await enter(gate, embedUrl);
        const rest = maxAge(entry.header("Set-Cookie"));
        assert.ok(rest <= wanted && rest >= wanted - 3, `${rest} of ${wanted}`);
        // RFC 6265bis §5.5: 400 days at most.
        assert.ok(rest <= 400 * 86_400);
      }
    });

    test("is for its own host alone: elsewhere 421, and nothing is spent", async () => {
      const token = await mint(gate, { singleUse: true });
      const { pathname, search } = new URL(token.embedUrl);
      const other = await mint(gate);
      const hosts = [
        "gate.example",
        "evil.embed.test",
        "x.y.embed.test",
        "embed.test.evil.example",
      ];
      if (EMBED_HOST) hosts.push("127.0.0.1");
      if (!isPath) {
        hosts.push(new URL(other.embedUrl).hostname, "aaaaaaaaaaaaaaaa.embed.test", "embed.test");
      }
      for (const host of EMBED_HOST ? hosts : []) {
        for (const as of [AS.frame, []]) {
          const answer = await enter(gate, `http://${host}:${gate.port}${pathname}${search}`, {
            as,
          });
          assertPage(answer, 421, "invalid_request", []);
          assert.ok(!answer.text.includes(token.token));
        }
      }
      await openWith(gate, token);
    });

    test("is not in the place itself: there a token in the query opens and shows nothing", async () => {
      const visit = await open(gate);
      const { url } = await visit.echo({}, `/echo/x?personal-access-token=${visit.token.token}`);
      assert.ok(!url.includes("pat_embed"), url);
    });
  });
}

describe("outside development", () => {
  for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
    test(`the URL is https and has no port, with ${mode}`, async (t) => {
      const gate = await startEmbedGate({ vars: { EMBED_HOST, DEVELOPMENT: false } });
      t.after(() => gate.stop());
      const { user, token, embedUrl } = await mint(gate);
      const place = placeOf("default", user.id, "jobs");
      const names = { "*.embed.test": `${place}.embed.test`, "embed.test": "embed.test" };
      const host = names[EMBED_HOST] ?? "127.0.0.1";
      const path = `/embed-apps/jobs?personal-access-token=${token}`;
      assert.equal(embedUrl, `https://${host}${path}`);
    });
  }
});

describe("with path places, where the main site has the same host", () => {
  let gate;
  before(async () => (gate = await startEmbedGate({ vars: { EMBED_HOST: undefined } })));
  after(() => gate?.stop());

  test("the place's path without a slash leads to the one with it, and nowhere else", async () => {
    const visit = await open(gate);
    const target = visit.prefix;
    for (const [as, cookie] of [
      [AS.frame, visit.cookie],
      [metadata("document", "navigate", "cross-site"), null],
    ]) {
      const answer = await visit.ask("", { as, cookie });
      assert.equal(answer.status, 308);
      assert.equal(answer.header("Location"), `${target}/`);
      assert.deepEqual(answer.headerAll("Set-Cookie"), []);
    }
    const withQuery = await visit.ask("?tab=2", { as: AS.frame });
    assert.equal(withQuery.header("Location"), `${target}/?tab=2`);
  });

  test("what is no place and no entry below /embed-apps/ is 404, never the upstream", async () => {
    const visit = await open(gate);
    for (const target of [
      "/embed-apps/",
      "/embed-apps/jobs/",
      "/embed-apps/jobs/x",
      "/embed-apps/jobs/~",
      "/embed-apps/jobs/~/x",
      `/embed-apps/jobs/${visit.place}/x`,
      `/embed-apps/jobs/~${visit.place}x/`,
      `/embed-apps/jobs/~${visit.place.slice(1)}/`,
      `/embed-apps/jobs/~${visit.place.toUpperCase()}/`,
      `/embed-apps/jobs/~~${visit.place}/`,
      `/embed-apps/jobs/x/~${visit.place}/`,
      `/embed-apps//~${visit.place}/`,
    ]) {
      const answer = await visit.own(target);
      assert.ok([401, 404].includes(answer.status), `${target}: ${answer.status}`);
      assert.equal(answer.header("Content-Type"), "application/problem+json");
    }
  });

  test("the app in the path must be the session's", async () => {
    const visit = await open(gate);
    for (const app of ["reports", "Jobs", "jobs%2f", "%6aobs"]) {
      const answer = await visit.own(`/embed-apps/${app}/~${visit.place}/public/hello`);
      assert.equal(answer.status, 401);
      assert.equal(answer.json().code, "session_ended");
    }
  });

  test("paths that only begin alike are the main site's", async () => {
    for (const target of ["/embed-apps", "/embed-appsx/jobs", "/public/embed-apps/jobs"]) {
      const answer = await send(gate, gate.url + target);
      assert.equal(answer.status, target.startsWith("/public") ? 404 : 401);
      assert.match(answer.header("WWW-Authenticate") ?? "Basic", /Basic/);
    }
  });
});
