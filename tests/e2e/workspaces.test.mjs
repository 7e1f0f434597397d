// Several workspaces behind one gate: by host name, by the query, by the identity's claim. Whatever is
// asked in one about what is another's is answered as if it were nowhere.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pause, until } from "../support/api.mjs";
import {
  AS,
  assertIn,
  JOBS,
  keysText,
  newKey,
  openWith,
  PORTAL,
  sealSession,
} from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { startProvider } from "../support/oidc.mjs";
import {
  API,
  asking,
  assertAlike,
  ASSERTION,
  byCookie,
  byJwt,
  byOperator,
  byPat,
  identityBy,
  make,
  newPerson,
  ok,
  SIGN_IN,
  SYNERGY,
  TOKENS,
  TOOLJET,
} from "../support/people.mjs";
import { assertRefused, INVALID_TOKEN, visible } from "../support/refusals.mjs";
import { DEFAULTS } from "../support/settings.mjs";
import { basic, digestOf, hintOf, makeToken } from "../support/tokens.mjs";

const INTROSPECT = "/gatepass/oauth/introspect";
const REVOKE = "/gatepass/oauth/revoke";
const HOSTS = { acme: "acme.test", globex: "globex.test", initech: "initech.test" };
const key = newKey();

let provider;
let byHost;
let byName;
before(async () => {
  provider = await startProvider();
  const vars = { APPS: [JOBS], SESSION_KEYS: keysText(key) };
  const hosts = Object.entries(HOSTS).map(([name, host]) => ({ name, hosts: [host] }));
  const claims = { workspace: "org" };
  [byHost, byName] = await Promise.all([
    startRawGate({
      vars: { ...vars, WORKSPACES: ["common", ...hosts, "rest"], IDENTITY: identityBy(provider) },
    }),
    startRawGate({
      vars: {
        ...{ ...vars, WORKSPACES: ["common", ...Object.keys(HOSTS)], EMBED_HOST: "*.embed.test" },
        IDENTITY: identityBy(provider, { header: ASSERTION, claims }),
      },
    }),
  ]);
});
after(() => Promise.all([byHost, byName, provider].map((started) => started?.stop())));

/** Pairs of ids, of a user of acme's and of one of globex's, whose tokens one ledger has. */
const neighbours = [];
{
  const there = new Map();
  for (let n = 0; n < 16_000; n++) there.set(hintOf("acme", `a${n}`), `a${n}`);
  for (let n = 0; n < 16_000; n++) {
    const acme = there.get(hintOf("globex", `g${n}`));
    if (acme) neighbours.push({ acme, globex: `g${n}` });
  }
}

/** Asks in a workspace: at its host, or by its name in the query. */
const DEPLOYMENTS = {
  "by host": {
    gate: () => byHost,
    asker: (workspace, shown) => (method, target, options) =>
      asking(byHost, shown)(method, target, { host: HOSTS[workspace], ...options }),
    person: (workspace, claims) => newPerson(claims),
  },
  "by name": {
    gate: () => byName,
    asker: (workspace, shown) => (method, target, options) => {
      const and = target.includes("?") ? "&" : "?";
      const named = target.startsWith("/echo") ? "" : `${and}workspace=${workspace}`;
      return asking(byName, shown)(method, `${target}${named}`, options);
    },
    person: (workspace, claims) => newPerson({ org: workspace, ...claims }),
  },
};

/** Two users of a workspace, each with tokens and a session: one has an id that there is in others. */
async function inhabit({ gate, asker }, workspace, neighbour) {
  const ask = asker(workspace, byOperator(gate()));
  const own = { id: neighbour[workspace], email: `${neighbour[workspace]}@${workspace}.example` };
  const name = `x-${neighbour.globex}`;
  const common = { id: name, email: `${name}@example.com` };
  const settled = { workspace, ask, users: [own, common], tokens: [], visits: [] };
  for (const user of settled.users) {
    const fields = { name: `secret of ${workspace}`, user };
    const pat = await make(ask, { ...fields, scopes: ["tokens", "odata"] });
    const embed = { ...fields, kind: "embed", app: "jobs", allowedOrigins: [PORTAL] };
    const token = await make(ask, embed);
    settled.tokens.push(pat, token);
    settled.visits.push(await openWith(gate(), token));
  }
  const { tokens, visits } = settled;
  const sessions = visits.map((visit) => visit.session().id);
  const places = visits.map(({ place }) => place);
  const ids = [...tokens.map(({ id }) => id), ...sessions];
  const starts = tokens.map(({ start }) => start);
  const secrets = [`secret of ${workspace}`, own.id, own.email, ...ids, ...starts, ...places];
  return Object.assign(settled, { sessions, secrets, pats: [tokens[0], tokens[2]] });
}

/** An id of nothing, in the ledger of another. */
const nothingBy = (id) => `${id.slice(0, 5)}${"0".repeat(26)}`;

/** Whatever can be asked about one token, one session, one user, one presented text. */
const aboutToken = (id) => [
  ["GET", `${API}/audit?token=${id}`],
  ["GET", `${TOKENS}/${id}`],
  ["PATCH", `${TOKENS}/${id}`, { json: { enabled: false } }],
  ["POST", `${TOKENS}/${id}/rotate`, { json: {} }],
  ["DELETE", `${API}/sessions?token=${id}`],
  ["DELETE", `${TOKENS}/${id}`],
];
const aboutSession = (id) => [["DELETE", `${API}/sessions/${id}`]];
const aboutUser = (user) => [
  ["GET", `${TOKENS}?user=${user}`],
  ["GET", `${API}/sessions?user=${user}`],
  ["GET", `${API}/audit?user=${user}`],
  ["DELETE", `${API}/sessions?user=${user}`],
];
const aboutText = (token) =>
  [INTROSPECT, REVOKE].map((path) => ["POST", path, { form: { token } }]);

/** What opens nothing here, in whatever state it is where it comes from. */
async function assertUnknown(ask, token) {
  const unknown = makeToken({ hint: token.slice(4, 8) });
  for (const shown of [
    byPat,
    (text) => [["Authorization", basic("", text)]],
    (text) => [["X-API-Key", text]],
  ]) {
    for (const [method, target, options] of [
      ["GET", "/echo/x"],
      ["GET", `${TOKENS}/self`],
      ["DELETE", `${TOKENS}/self`],
      ["GET", TOKENS],
      ["GET", SIGN_IN],
      ["POST", REVOKE, { form: { token } }],
      ["GET", SYNERGY.list],
    ]) {
      const [answer, other] = [
        await ask(shown(token))(method, target, options),
        await ask(shown(unknown))(method, target, options),
      ];
      assert.equal(answer.json().code, "token_unknown", `${method} ${target}`);
      assert.deepEqual(visible(answer), visible(other), `${method} ${target}`);
    }
  }
}

for (const [how, deployment] of Object.entries(DEPLOYMENTS)) {
  describe(`a workspace that is told ${how}`, { concurrency: 3 }, () => {
    const { gate, asker, person } = deployment;
    const settle = (names = ["acme", "globex"], ids = neighbours.pop()) =>
      Promise.all(names.map((name) => inhabit(deployment, name, ids)));
    const jwtOf = async (claims) => byJwt(await provider.token(person("globex", claims)));

    /** Everybody who asks in globex, by who it is. */
    async function askers(globex) {
      return {
        "the operator": globex.ask,
        "an admin": asker("globex", await jwtOf({ roles: ["admin"] })),
        "a user": asker("globex", await jwtOf()),
        "a neighbour's PAT": asker("globex", byPat(globex.pats[0].token)),
        "the PAT of who has the same id": asker("globex", byPat(globex.pats[1].token)),
      };
    }

    test("tells nothing of another, whoever asks", async () => {
      const [acme, globex] = await settle();
      for (const [who, ask] of Object.entries(await askers(globex))) {
        const lists = [TOKENS, `${TOKENS}?search=secret`, `${API}/sessions`, `${API}/audit`];
        for (const target of [...lists, `${API}/settings`, SIGN_IN, SYNERGY.list]) {
          const { status, text } = await ask("GET", target);
          const expected = target === SYNERGY.list && who === "the operator" ? 400 : 200;
          assert.equal(status, expected, `${who} ${target} ${text}`);
          for (const secret of acme.secrets)
            assert.ok(!text.includes(secret), `${who} ${target} ${secret}`);
        }
      }
      const { result } = await ok(globex.ask("GET", `${TOKENS}?user=${globex.users[1].email}`));
      assert.deepEqual(
        result.map(({ id }) => id),
        [globex.tokens[3].id, globex.tokens[2].id],
      );
    });

    test("answers about what is another's as about nothing, and does nothing to it", async () => {
      const [acme, globex] = await settle();
      for (const [who, ask] of Object.entries(await askers(globex))) {
        for (const { id } of acme.tokens) {
          await assertAlike(ask, aboutToken(id), aboutToken(nothingBy(id)));
        }
        for (const id of acme.sessions) {
          await assertAlike(ask, aboutSession(id), aboutSession(nothingBy(id)));
        }
        for (const user of [acme.users[0].id, acme.users[0].email]) {
          const nobody = user.includes("@") ? "no@acme.example" : "no";
          await assertAlike(ask, aboutUser(user), aboutUser(nobody));
        }
        for (const { token } of acme.tokens) {
          const unknown = makeToken({ hint: token.slice(-36, -32) });
          await assertAlike(ask, aboutText(token), aboutText(unknown));
        }
        const own = await ok(ask("GET", SIGN_IN));
        assert.equal(own.workspace, "globex", who);
      }
      // The same id is another's here.
      await ok(globex.ask("DELETE", `${API}/sessions?user=${globex.users[1].id}`), 204);
      for (const { id } of acme.tokens) {
        assert.equal((await ok(acme.ask("GET", `${TOKENS}/${id}`))).state, "active");
      }
      for (const visit of acme.visits) await assertIn(visit);
      const { result } = await ok(acme.ask("GET", `${API}/audit?user=${acme.users[1].id}`));
      const actors = new Set(result.map(({ actor }) => actor));
      assert.deepEqual(actors, new Set(["operator", "viewer"]));
    });

    test("is not reached by another's cursor", async () => {
      const [acme, globex] = await settle();
      for (const path of [TOKENS, `${API}/sessions`, `${API}/audit`]) {
        for (const query of ["?limit=1", `?limit=1&user=${acme.users[0].id}`]) {
          let { next } = await ok(acme.ask("GET", `${path}${query}`));
          for (let page = 0; next && page < 3; page++) {
            const cursor = encodeURIComponent(next);
            const { text } = await globex.ask("GET", `${path}?cursor=${cursor}`);
            for (const secret of acme.secrets) assert.ok(!text.includes(secret), secret);
            ({ next } = await ok(acme.ask("GET", `${path}${query}&cursor=${cursor}`)));
          }
        }
      }
    });

    test("has its own settings and its own mass kills", async () => {
      const ids = { initech: "ivy", globex: "gus" };
      const [initech, globex] = await settle(Object.keys(ids), ids);
      const settings = { ...DEFAULTS, creation: false, authentication: false };
      const scopes = [{ name: "secret", description: "of initech" }];
      await ok(initech.ask("PUT", `${API}/settings`, { json: { ...settings, scopes } }));
      await ok(initech.ask("DELETE", `${API}/sessions?all=true`), 204);
      const shut = asker("initech", byPat(initech.pats[0].token));
      const code = async () => (await shut("GET", TOKENS)).json().code;
      await until(async () => (await code()) === "authentication_disabled", "the switch");
      for (const ask of Object.values(await askers(globex))) {
        assert.deepEqual(await ok(ask("GET", `${API}/settings`)), DEFAULTS);
      }
      for (const { token, user } of globex.pats) {
        await ok(asker("globex", byPat(token))("GET", "/echo/x"));
        await make(globex.ask, { user });
      }
      for (const visit of globex.visits) await assertIn(visit);
    });

    test("knows the same user by the same address as somebody else", async () => {
      const [acme, globex] = await settle();
      const email = acme.users[0].email;
      const json = { email, appId: "jobs", sessionExpiry: 5, patExpiry: 600 };
      await ok(acme.ask("POST", TOOLJET, { json }));
      const before = await ok(acme.ask("GET", `${TOKENS}?user=${email}`));
      await ok(globex.ask("POST", TOOLJET, { json }));
      const [{ user }, ...others] = (await ok(globex.ask("GET", `${TOKENS}?user=${email}`))).result;
      assert.deepEqual([user, others], [{ id: email, email }, []]);
      // One of a user and app at a time, in each workspace.
      assert.deepEqual(await ok(acme.ask("GET", `${TOKENS}?user=${email}`)), before);
      const headers = [["Idempotency-Key", "same"]];
      const wanted = { json: { name: "x", user: { id: "idempotent" } }, headers };
      const one = await ok(acme.ask("POST", TOKENS, wanted), 201);
      const other = await ok(globex.ask("POST", TOKENS, wanted), 201);
      assert.notEqual(one.id, other.id);
      assert.ok(other.token);
    });

    test("has places of its own, for the same user too", async () => {
      const [acme, globex] = await settle();
      const [theirs, mine] = [acme.visits[1], globex.visits[1]];
      assert.equal(theirs.session().uid, mine.session().uid);
      assert.notEqual(theirs.place, mine.place);
      const crossed = { cookie: `${theirs.name}=${mine.value}` };
      const invented = { cookie: `${theirs.name}=0` };
      const [answer, other] = [
        await theirs.ask("/public/hello", crossed),
        await theirs.ask("/public/hello", invented),
      ];
      assert.equal(answer.status, 401, answer.text);
      assert.deepEqual(visible(answer), visible(other));
    });

    test("numbers its PATs for 12d Synergy's clients by itself", async () => {
      const [acme, globex] = await settle();
      for (const at of [0, 1]) {
        const mine = asker("globex", byPat(globex.pats[at].token));
        const listed = await ok(mine("GET", SYNERGY.list));
        assert.deepEqual(
          listed.map(({ ID }) => ID),
          [1],
        );
        const json = { ClientId: "c", Name: "n", ExpireInDays: 1 };
        await ok(mine("POST", SYNERGY.generate, { json }));
        assert.equal((await mine("POST", `${SYNERGY.delete}?id=2`)).status, 200);
        const theirs = asker("acme", byPat(acme.pats[at].token));
        const [{ UserID }] = listed;
        const [own, ...more] = await ok(theirs("GET", SYNERGY.list));
        assert.deepEqual([own.ID, more], [1, []]);
        assert.notDeepEqual(own.UserID, UserID);
      }
    });

    test("is not named by who is not in it, any more than one that is not there", async () => {
      const [, globex] = await settle();
      const named = (name) =>
        [TOKENS, SIGN_IN, `${API}/settings`, SYNERGY.list].flatMap((path) => [
          ["GET", `${path}?workspace=${name}`],
          ["GET", `${path}?workspace=globex&workspace=${name}`],
          ["GET", `${path}?%77orkspace=${name}`],
        ]);
      const here = (shown) => (method, target) =>
        asking(gate(), shown)(method, target, {
          host: how === "by host" ? "globex.test" : undefined,
        });
      const shown = [
        byPat(globex.pats[0].token),
        await jwtOf(),
        await jwtOf({ roles: ["admin"] }),
        ...(how === "by host" ? [byOperator(gate())] : []),
      ];
      for (const who of shown) {
        await assertAlike(here(who), named("acme"), named("nowhere"));
        for (const [method, target] of named("acme")) {
          const answer = await here(who)(method, target);
          assert.equal(answer.json().field, "workspace", answer.text);
        }
      }
    });
  });
}

describe("a host that is one workspace's", () => {
  const { asker } = DEPLOYMENTS["by host"];
  const operator = (workspace) => asker(workspace, byOperator(byHost));
  const user = { id: "ada" };

  test("lets no PAT of another in, and tells it from none that is unknown", async () => {
    const acme = operator("acme");
    const active = await make(acme, { user, scopes: ["tokens"] });
    const disabled = await make(acme, { user });
    await ok(acme("PATCH", `${TOKENS}/${disabled.id}`, { json: { enabled: false } }));
    const revoked = await make(acme, { user });
    await ok(acme("DELETE", `${TOKENS}/${revoked.id}`), 204);
    const strict = await make(acme, { user, strict: true });
    const known = asker("acme", byPat(active.token));
    assert.equal((await ok(known("GET", "/echo/x"))).headers["gatepass-workspace"], "acme");
    for (const { token } of [active, disabled, revoked, strict]) {
      await assertUnknown((shown) => asker("globex", shown), token);
      await assertUnknown((shown) => asking(byHost, shown), token);
    }
  });

  test("lets none of those in that have no host", async () => {
    for (const name of ["common", "rest"]) {
      const path = `${TOKENS}?workspace=${name}`;
      const ask = asking(byHost, byOperator(byHost));
      const { token } = await ok(ask("POST", path, { json: { name: "x", user } }), 201);
      const { headers } = await ok(asking(byHost, byPat(token))("GET", "/echo/x"));
      assert.equal(headers["gatepass-workspace"], name);
      await assertUnknown((shown) => asker("globex", shown), token);
      for (const workspace of [name, "nowhere"]) {
        const answer = await operator("globex")("GET", `${TOKENS}?workspace=${workspace}`);
        assert.equal(assertRefused(answer, 400, "invalid_field").field, "workspace");
      }
    }
  });

  test("is so in whatever way its name is written", async () => {
    const [mine, theirs] = await Promise.all([
      make(operator("globex"), { user }),
      make(asking(byHost, byOperator(byHost)), { user }),
    ]);
    for (const host of ["GLOBEX.test", "globex.TEST"]) {
      await ok(asking(byHost, byPat(mine.token))("GET", "/echo/x", { host }));
      const answer = await asking(byHost, byPat(theirs.token))("GET", "/echo/x", { host });
      assert.equal(answer.status, 401, host);
    }
  });

  test("RFC 9110 §4.2.3: is so with the root's dot at its end", async () => {
    const { token } = await make(asking(byHost, byOperator(byHost)), { user });
    const answer = await asking(byHost, byPat(token))("GET", "/echo/x", { host: "globex.test." });
    assert.notEqual(answer.status, 200);
  });

  test("where another's PAT was tried, it opens its own as before", async () => {
    const { token } = await make(operator("acme"), { user });
    const at = (workspace) => asker(workspace, byPat(token))("GET", "/echo/x");
    await ok(at("acme"));
    assert.equal((await at("globex")).status, 401);
    await ok(at("acme"));
  });

  test("where a revoked PAT was tried, it is remembered as before", async () => {
    const { id, token } = await make(operator("acme"), { user });
    const at = (workspace) => asker(workspace, byPat(token))("GET", "/echo/x");
    await ok(at("acme"));
    const path = `t/${digestOf(token)}`;
    const older = await until(() => byHost.kv.values.get(path), "the record in KV");
    await ok(operator("acme")("DELETE", `${TOKENS}/${id}`), 204);
    byHost.kv.faults.set(path, () => older); // a place that KV has not reached
    assert.equal((await at("acme")).status, 401);
    assert.equal((await at("globex")).status, 401);
    await pause(5_500); // for which it may be believed that there is none
    assert.equal((await at("acme")).status, 401);
  });

  test("opens no embed of another's", async () => {
    const wanted = { user, kind: "embed", app: "jobs", allowedOrigins: [PORTAL] };
    const token = await make(operator("acme"), wanted);
    const unknown = makeToken({ kind: "pat_embed", hint: token.token.slice(10, 14) });
    const entry = (text) => [
      ...["GET", `/embed-apps/jobs?personal-access-token=${text}`],
      { headers: AS.frame },
    ];
    await assertAlike(asker("globex"), [entry(token.token)], [entry(unknown)]);
    assert.equal((await asker("globex")(...entry(token.token))).status, 401);
    const fresh = await make(operator("acme"), wanted);
    assert.equal(new URL(fresh.embedUrl).hostname, HOSTS.acme);
    const visit = await openWith(byHost, fresh);
    await assertIn(visit);
    const inside = (cookie, host) =>
      asking(byHost, [...AS.script, ...byCookie(cookie)])("GET", `${visit.prefix}/public/hello`, {
        host,
      });
    const nowhere = { ...visit.session(), digest: digestOf(unknown) };
    const forged = `${visit.name}=${sealSession(nowhere, key)}`;
    const answer = await inside(visit.cookie, HOSTS.globex);
    assert.equal(answer.status, 401);
    assert.deepEqual(visible(answer), visible(await inside(forged, HOSTS.globex)));
  });
});

describe("an identity's claim", () => {
  const ask = async (claims) => asking(byName, byJwt(await provider.token(newPerson(claims))));

  test("names the workspace, and no query another", async () => {
    const one = await ask({ org: "acme", roles: ["admin"] });
    assert.equal((await ok(one("GET", SIGN_IN))).workspace, "acme");
    assert.equal((await ok(one("GET", `${SIGN_IN}?workspace=acme`))).workspace, "acme");
    for (const name of ["globex", "common", "nowhere", ""]) {
      const answer = await one("GET", `${TOKENS}?workspace=${name}`);
      assert.equal(assertRefused(answer, 400, "invalid_field").field, "workspace");
    }
  });

  test("that names none that there is, or is missing, lets nobody in", async () => {
    for (const org of ["nowhere", "", "ACME", "acme ", "acme\u0000"]) {
      const answer = await (await ask({ org, roles: ["admin"] }))("GET", TOKENS);
      assert.equal(assertRefused(answer, 400, "invalid_field").field, "workspace", org);
    }
    for (const org of [undefined, null, 7, ["acme"], { name: "acme" }]) {
      const answer = await (
        await ask({ org, roles: ["admin"] })
      )("GET", `${TOKENS}?workspace=acme`);
      assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN]);
    }
  });

  test("makes the same person somebody else in each workspace", async () => {
    const person = newPerson();
    const [acme, globex] = await Promise.all(
      ["acme", "globex"].map((org) => ask({ ...person, org })),
    );
    const { id } = await make(acme);
    assert.deepEqual((await ok(globex("GET", TOKENS))).result, []);
    await assertAlike(globex, aboutToken(id), aboutToken(nothingBy(id)));
    assert.equal((await ok(acme("GET", `${TOKENS}/${id}`))).state, "active");
  });
});
