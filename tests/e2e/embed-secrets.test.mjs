// Invariant 1 for embeds: an embed token stands in the first hop's URL and nowhere else.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/api.mjs";
import {
  AS,
  enter,
  JOBS,
  metadata,
  mint,
  MODES,
  newUser,
  openWith,
  startEmbedGate,
} from "../support/embeds.mjs";
import { rawRequest } from "../support/raw.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { basic, digestOf, keyOf } from "../support/tokens.mjs";

const TOOLJET = "/api/ext/users/personal-access-token";

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}, no embed token and no session`, () => {
    let gate;
    let upstream;
    const tokens = [];
    const sessions = [];
    /** Every answer, but for those that show a new token. */
    const answers = [];
    /** What reached the upstream. */
    const requests = [];

    const note = (answer) => {
      answers.push(answer);
      for (const line of answer.headerAll?.("Set-Cookie") ?? []) {
        const [, value] = /^__Host-gp-[a-z2-7]+=([^;]+)/.exec(line) ?? [];
        if (value) sessions.push(value);
      }
      return answer;
    };

    before(async () => {
      upstream = await startServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        requests.push(`${request.method} ${request.url} ${request.rawHeaders.join("\n")} ${body}`);
        response.writeHead(200, { "content-type": "text/html" }).end(`<a href="/x">${request.url}`);
      });
      const vars = { EMBED_HOST, APPS: [JOBS], UPSTREAM: upstream.url };
      gate = await startEmbedGate({ vars });
      for (const fields of [{}, { singleUse: true }, { strict: true }, { apps: ["*"] }]) {
        const made = await mint(gate, { ...fields, user: newUser() });
        tokens.push(made.token);
        await wander(made, made.embedUrl ?? made.embedUrls[0].url);
      }
      const tooljet = await rawRequest({
        port: gate.port,
        method: "POST",
        target: TOOLJET,
        headers: [
          ["Authorization", basic("any", gate.operatorKey)],
          ["Content-Type", "application/json"],
        ],
        body: JSON.stringify({
          ...{ email: "a1@tooljet.com", appId: "jobs", sessionExpiry: 60, patExpiry: 1000 },
        }),
      });
      const { personalAccessToken, redirectUrl } = tooljet.json();
      tokens.push(personalAccessToken);
      await wander({ token: personalAccessToken }, redirectUrl);
      await until(() => tokens.every((token) => gate.kv.values.has(keyOf(token))), "KV");
    });
    after(() => Promise.all([gate?.stop(), upstream?.stop()]));

    /** All that a browser, a scanner and an attacker may do with one token. */
    async function wander(made, url) {
      const { token } = made;
      const { origin, pathname, search } = new URL(url);
      for (const as of [AS.script, AS.tab, [...AS.frame, ["Purpose", "prefetch"]]]) {
        note(await enter(gate, url, { as }));
      }
      note(await enter(gate, url, { method: "POST", body: token }));
      note(await enter(gate, `http://evil.example${pathname}${search}`, { as: AS.tab }));
      const visit = await openWith(gate, made, `${url}&next=https://evil.example/`);
      sessions.push(visit.value);
      note(await enter(gate, url));
      note(await enter(gate, `${url}&a=${token}&gp-renew=1`));
      note(await enter(gate, `${url}&personal-access-token=${token}`));
      note(await enter(gate, `${url}x`));
      const carriers = [
        ["Authorization", `Bearer ${token}`],
        ["Authorization", basic("any", token)],
        ["X-API-Key", token],
        ["PRIVATE-TOKEN", token],
        ["Referer", url],
        ["X-Forwarded-Uri", url],
        ["Cookie", `t=${token}; s=1`],
      ];
      for (const header of carriers) {
        for (const path of ["/x", `/x?personal-access-token=${token}&a=1`, `/?gp-opened=1`]) {
          note(await visit.ask(path, { headers: [header] }));
        }
        note(await visit.ask("/x", { cookie: null, headers: [header] }));
        const target = "/gatepass/api/tokens/self";
        note(await rawRequest({ port: gate.port, target, headers: [header] }));
      }
      note(await visit.ask("/x", { as: metadata("empty", "cors", "cross-site") }));
      note(await visit.ask("/form", { method: "POST", body: "a=1" }));
      note(await visit.own(`/gatepass/embed/${visit.place}`, { as: AS.frame }));
      note(await visit.own(`/gatepass/embed/${visit.place}/session`));
      for (const path of ["/tokens", "/sessions"]) {
        const { body, headers } = await gate.api("GET", path);
        answers.push({ headers: [...headers], text: JSON.stringify(body) });
      }
      note(await visit.ask(`/..%2f${token}`));
      note(await enter(gate, `${origin}/embed-apps/${token}`));
    }

    /** However a token may be written, and what it could be made again from. */
    const spellings = (token) => [
      token,
      token.slice(14),
      encodeURIComponent(token),
      Buffer.from(token).toString("hex"),
      Buffer.from(token).toString("base64").slice(4, -4),
      Buffer.from(` ${token}`).toString("base64").slice(4, -4),
      Buffer.from(`  ${token}`).toString("base64").slice(4, -4),
    ];

    function assertHoldsNone(text, where, secrets = tokens) {
      for (const secret of secrets.flatMap(spellings)) {
        assert.ok(!text.includes(secret), `a secret stands in ${where}`);
      }
      assert.doesNotMatch(text, /pat_(embed_)?[0-9A-Za-z]{30}/, where);
    }

    test("of the run is missing here", () => {
      assert.equal(new Set(tokens).size, 5);
      assert.ok(sessions.length >= 5 && answers.length >= 100 && requests.length >= 50);
      assert.ok([...gate.kv.values.keys()].some((key) => key.includes(digestOf(tokens[0]))));
    });

    test("is in a Location, a body or any header of an answer", () => {
      for (const { headers, text } of answers) {
        const others = headers.filter(([name]) => name.toLowerCase() !== "set-cookie");
        assertHoldsNone(JSON.stringify(headers), "a header");
        assertHoldsNone(text, "a body");
        for (const session of sessions) {
          assert.ok(!JSON.stringify(others).includes(session) && !text.includes(session));
        }
      }
    });

    test("is in what the upstream gets", () => {
      for (const request of requests) {
        assertHoldsNone(request, "a request to the upstream");
        for (const session of sessions) assert.ok(!request.includes(session));
        assert.doesNotMatch(request, /__Host-gp-/i);
      }
    });

    test("is in a key or value of KV", () => {
      for (const [key, value] of gate.kv.values) {
        assertHoldsNone(`${key} ${value}`, "KV");
        for (const session of sessions) {
          assert.ok(!value.includes(session.split(".")[1]), "a session's MAC stands in KV");
        }
      }
    });

    test("is in the log", () => {
      assertHoldsNone(gate.output(), "the log");
      for (const session of sessions) assert.ok(!gate.output().includes(session));
    });
  });
}
