import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AS,
  assertPage,
  enter,
  JOBS,
  mint,
  MODES,
  newUser,
  openWith,
  PORTAL,
  send,
  startEmbedGate,
} from "../support/embeds.mjs";
import { visible } from "../support/refusals.mjs";
import { digestOf, hintOf, keyOf, makeRecord, makeToken, seconds } from "../support/tokens.mjs";

const REPORTS = { id: "reports", name: "Reports", allowedOrigins: ["https://reports.example"] };
const HERE = ["CF-Connecting-IP", "192.0.2.7"];

for (const [mode, EMBED_HOST] of Object.entries(MODES).slice(0, 2)) {
  describe(`with ${mode}, an entry is refused`, () => {
    let gate;
    let usual;
    before(async () => {
      const vars = { EMBED_HOST, APPS: [JOBS, REPORTS], WORKSPACES: ["default", "other"] };
      gate = await startEmbedGate({ vars });
      usual = await mint(gate);
    });
    after(() => gate?.stop());

    /** An entry at the host of the usual token, byte for byte. */
    const at = (target, options) => enter(gate, usual.embedUrl, { ...options, target });
    const entry = (app, query) => `/embed-apps/${app}${query}`;
    const asToken = (text) => `?personal-access-token=${text}`;
    const origins = { jobs: [], reports: REPORTS.allowedOrigins };

    for (const [name, query, status, code] of [
      ["without a token", "", 401, "token_missing"],
      ["with an empty parameter name", "?=", 401, "token_missing"],
      ["with the token under another name", "?token=PAT_EMBED", 401, "token_missing"],
      ["with the name in capitals", "?PERSONAL-ACCESS-TOKEN=PAT_EMBED", 401, "token_missing"],
      ["with an empty token", asToken(""), 401, "token_malformed"],
      [
        "with two tokens",
        `${asToken("PAT_EMBED")}&personal-access-token=PAT_EMBED`,
        400,
        "invalid_request",
      ],
      [
        "with a token and an empty one",
        `${asToken("PAT_EMBED")}&personal%2daccess-token=`,
        400,
        "invalid_request",
      ],
      ["with one character less", asToken("SHORT"), 401, "token_malformed"],
      ["with one character more", asToken("PAT_EMBEDx"), 401, "token_malformed"],
      ["with a wrong checksum", asToken("WRONG"), 401, "token_malformed"],
      ["with a space before it", asToken("%20PAT_EMBED"), 401, "token_malformed"],
      ["with a NUL behind it", asToken("PAT_EMBED%00"), 401, "token_malformed"],
      ["with bytes that are not UTF-8", asToken("PAT_EMBED%ff"), 401, "token_malformed"],
      ["with its digest", asToken("DIGEST"), 401, "token_malformed"],
      ["with another prefix", asToken("GHP"), 401, "token_malformed"],
      ["with 8 KB", asToken("x".repeat(8192)), 401, "token_malformed"],
      ["with a PAT", asToken("PAT"), 401, "kind_mismatch"],
      ["with an unknown token", asToken("UNKNOWN"), 401, "token_unknown"],
    ]) {
      test(`${name}: ${status} ${code}`, async () => {
        const { token } = usual;
        const pat = await gate.createToken();
        const texts = {
          PAT_EMBED: token,
          SHORT: token.slice(0, -1),
          WRONG: token.slice(0, -1) + (token.endsWith("0") ? "1" : "0"),
          DIGEST: digestOf(token),
          GHP: "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",
          UNKNOWN: makeToken({ kind: "pat_embed" }),
        };
        const filled = query
          .replace(/PAT_EMBED|SHORT|WRONG|DIGEST|GHP|UNKNOWN/g, (word) => texts[word])
          .replace(/=PAT$/, `=${pat.token}`);
        const answer = await at(entry("jobs", filled));
        assertPage(answer, status, code, []);
        for (const secret of [token, pat.token]) assert.ok(!answer.text.includes(secret));
      });
    }

    test("with a token in a header or cookie instead: there is none", async () => {
      const { token } = usual;
      for (const header of [
        ["Authorization", `Bearer ${token}`],
        ["X-API-Key", token],
        ["Cookie", `personal-access-token=${token}`],
      ]) {
        assertPage(await at("/embed-apps/jobs", { headers: [header] }), 401, "token_missing", []);
      }
    });

    test("for an app that is not configured: 404, whatever the token", async () => {
      for (const app of [
        "none",
        "Jobs",
        "jobs%20",
        "%6aobs",
        "..%2fjobs",
        "jobs%2f..%2freports",
        "https:%2f%2fevil.example",
        "%2f%2fevil.example",
        "jobs;x",
        "*",
        "",
      ]) {
        const answer = await at(entry(app, asToken(usual.token)));
        assertPage(answer, 404, "app_mismatch", []);
      }
      for (const app of ["https://evil.example", "//evil.example", "jobs/reports", "jobs/.."]) {
        const answer = await at(entry(app, asToken(usual.token)));
        assert.ok([401, 404].includes(answer.status), `${app}: ${answer.status} ${answer.text}`);
        assert.equal(answer.header("Set-Cookie"), undefined);
        assert.equal(answer.header("Location"), undefined);
      }
    });

    test("with a token for another app: 403 app_mismatch", async () => {
      const answer = await at(entry("reports", asToken(usual.token)));
      assertPage(answer, 403, "app_mismatch", [PORTAL]);
      const byApp = await mint(gate, { app: "reports", allowedOrigins: [] });
      const { host } = new URL(byApp.embedUrl);
      const target = entry("jobs", asToken(byApp.token));
      const answered = await enter(gate, `http://${host}`, { target });
      assertPage(answered, 403, "app_mismatch", origins.jobs);
    });

    test("with a token that is expired, revoked, disabled or used, and each is told so", async () => {
      for (const [code, fields] of [
        ["token_expired", { x: seconds(-1) }],
        ["token_revoked", { st: "r" }],
        ["token_disabled", { st: "d" }],
        ["token_used", { st: "u" }],
        ["token_revoked", { st: "r", x: seconds(-1) }],
      ]) {
        const user = newUser();
        const token = makeToken({ kind: "pat_embed", hint: hintOf("default", user.id) });
        const record = { uid: user.id, em: user.email, ap: ["jobs"], sm: 60, or: [PORTAL] };
        gate.kv.values.set(keyOf(token), makeRecord(token, { ...record, ...fields }));
        const { embedUrl } = await mint(gate, { user });
        const { host } = new URL(embedUrl);
        const target = entry("jobs", asToken(token));
        assertPage(await enter(gate, `http://${host}`, { target }), 401, code);
      }
    });

    test("as soon as the API has revoked or disabled it", async () => {
      const token = await mint(gate);
      await openWith(gate, token);
      const change = (body) => gate.api("PATCH", `/tokens/${token.id}`, body);
      assert.equal((await change({ enabled: false })).status, 200);
      assertPage(await enter(gate, token.embedUrl), 401, "token_disabled");
      assert.equal((await change({ enabled: true })).status, 200);
      await openWith(gate, token);
      assert.equal((await gate.api("DELETE", `/tokens/${token.id}`)).status, 204);
      assertPage(await enter(gate, token.embedUrl), 401, "token_revoked");
    });

    test("from an address that is not on the token's list, or from none", async () => {
      const token = await mint(gate, { allowedIps: ["192.0.2.0/28", "2001:db8::/32"] });
      for (const headers of [
        [],
        [["CF-Connecting-IP", "192.0.2.16"]],
        [["X-Forwarded-For", "192.0.2.7"]],
      ]) {
        const answer = await enter(gate, token.embedUrl, { headers });
        assertPage(answer, 403, "address_not_allowed");
      }
      await openWith(gate, token, token.embedUrl, [HERE]);
    });

    test("with a token of a workspace that is not this deployment's, as an unknown one", async () => {
      const user = newUser();
      const { embedUrl } = await mint(gate, { user });
      const { host } = new URL(embedUrl);
      const foreign = makeToken({ kind: "pat_embed", hint: hintOf("theirs", user.id) });
      const record = { ws: "theirs", uid: user.id, ap: ["jobs"], sm: 60, or: [PORTAL] };
      gate.kv.values.set(keyOf(foreign), makeRecord(foreign, record));
      const unknown = makeToken({ kind: "pat_embed" });
      const [theirs, none] = await Promise.all(
        [foreign, unknown].map((token) =>
          enter(gate, `http://${host}`, { target: entry("jobs", asToken(token)) }),
        ),
      );
      assertPage(theirs, 401, "token_unknown", []);
      assert.deepEqual(visible(theirs), visible(none));
    });

    test("of another workspace of this deployment, at the place of a namesake", async () => {
      const user = newUser();
      const mine = await mint(gate, { user });
      const made = await gate.api("POST", "/tokens?workspace=other", {
        ...{ name: "x", kind: "embed", app: "jobs", user },
      });
      assert.equal(made.status, 201);
      const visit = await openWith(gate, made.body);
      const namesake = await openWith(gate, mine);
      assert.notEqual(visit.place, namesake.place);
      const { headers } = await visit.echo();
      assert.equal(headers["gatepass-workspace"], "other");
    });

    test("by another method than GET: 405 with Allow, and HEAD opens nothing", async () => {
      const token = await mint(gate, { singleUse: true });
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
        const body = method === "OPTIONS" ? undefined : "a=b";
        const answer = await enter(gate, token.embedUrl, { method, body });
        assert.equal(answer.status, 405, method);
        assert.equal(answer.header("Allow"), "GET, HEAD");
        assert.equal(answer.header("Set-Cookie"), undefined);
      }
      const head = await enter(gate, token.embedUrl, { method: "HEAD" });
      assert.equal(head.status, 400);
      assert.equal(head.header("Set-Cookie"), undefined);
      await openWith(gate, token);
    });

    test("as problem details for what is no page", async () => {
      for (const [as, status, code, target] of [
        [AS.script, 400, "invalid_request", undefined],
        [AS.script, 401, "token_missing", "/embed-apps/jobs"],
        [AS.script, 404, "app_mismatch", "/embed-apps/none"],
      ]) {
        const { pathname, search } = new URL(usual.embedUrl);
        const answer = await enter(gate, usual.embedUrl, {
          as,
          target: target ?? pathname + search,
        });
        assert.equal(answer.status, status);
        assert.equal(answer.header("Content-Type"), "application/problem+json");
        assert.equal(answer.json().code, code);
        assert.ok(!answer.text.includes(usual.token));
      }
    });
  });
}

describe("the host of an entry", () => {
  let gate;
  before(async () => (gate = await startEmbedGate()));
  after(() => gate?.stop());

  test("must be the token's place: at another place 421, and nothing is spent", async () => {
    const token = await mint(gate, { singleUse: true });
    const other = await mint(gate, { user: token.user, label: "other" });
    const { search, pathname, port } = new URL(token.embedUrl);
    for (const url of [
      `http://${new URL(other.embedUrl).host}`,
      `http://aaaaaaaaaaaaaaaa.embed.test:${port}`,
    ]) {
      assertPage(await enter(gate, url + pathname + search), 421, "invalid_request", []);
    }
    await openWith(gate, token);
  });

  test("that no place can have is 421 whatever is asked, and the upstream never", async () => {
    const token = await mint(gate);
    const [place] = new URL(token.embedUrl).hostname.split(".");
    const pat = await gate.createToken();
    for (const name of [
      "www",
      "x",
      `a.${place}`,
      place.slice(1),
      `${place}a`,
      place.replace(/.$/, "1"),
    ]) {
      const host = `${name}.embed.test:${gate.port}`;
      for (const target of ["/", "/public/hello", "/gatepass/api/tokens", "/embed-apps/jobs"]) {
        const headers = [["Authorization", `Bearer ${pat.token}`]];
        const answer = await send(gate, `http://${host}${target}`, { headers });
        assert.equal(answer.status, 421, `${host}${target} ${answer.text}`);
        assert.match(answer.text, /"?invalid_request"/);
      }
    }
  });

  test("of the main site serves no place and no entry: 421", async () => {
    const token = await mint(gate);
    const { pathname, search } = new URL(token.embedUrl);
    const [place] = new URL(token.embedUrl).hostname.split(".");
    for (const target of [
      pathname + search,
      `/embed-apps/jobs/~${place}/`,
      `/gatepass/embed/${place}`,
      `/gatepass/embed/${place}/session`,
    ]) {
      const answer = await enter(gate, gate.url, { target });
      assertPage(answer, 421, "invalid_request", []);
    }
  });
});

describe("RFC 6585 §4: look-ups of unknown embed tokens have a budget, known tokens do not", () => {
  let gate;
  before(async () => (gate = await startEmbedGate({ limiter: { budget: 3 } })));
  after(() => gate?.stop());

  test("over it 429 with Retry-After, as a page", async () => {
    const known = await mint(gate);
    const { host } = new URL(known.embedUrl);
    const knock = (token) =>
      enter(gate, `http://${host}/embed-apps/jobs?personal-access-token=${token}`, {
        headers: [HERE],
      });
    for (let i = 0; i < 3; i++) {
      assertPage(await knock(makeToken({ kind: "pat_embed" })), 401, "token_unknown", []);
    }
    const refused = await knock(makeToken({ kind: "pat_embed" }));
    assert.equal(refused.status, 429);
    assert.equal(refused.header("Set-Cookie"), undefined);
    assert.match(refused.text, /data-code="rate_limited"/);
    assert.match(refused.header("Retry-After"), /^\d+$/);
    await openWith(gate, known, known.embedUrl, [HERE]);
  });
});
