// People whom an identity provider has signed in. Which of its JWTs are good: sign-in-jwts.test.mjs;
// who signs in with the operator key: sign-in-operator.test.mjs.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/api.mjs";
import { JOBS, openWith, PORTAL } from "../support/embeds.mjs";
import { DEVELOPMENT_ROUTES, startRawGate } from "../support/gate.mjs";
import { startProvider } from "../support/oidc.mjs";
import {
  API,
  asking,
  assertAlike,
  ASSERTION,
  byJwt,
  byOperator,
  byPat,
  identityBy,
  make,
  newPerson,
  NOBODY,
  ok,
  SIGN_IN,
  signIn,
  SYNERGY,
  TOKENS,
  TOOLJET,
} from "../support/people.mjs";
import { assertRefused, BEARER, INVALID_TOKEN, visible } from "../support/refusals.mjs";
import { setSettings } from "../support/settings.mjs";
import { filesIn } from "../support/state.mjs";
import { basic, digestOf } from "../support/tokens.mjs";

const WORKSPACES = ["default", ...Array.from({ length: 6 }, (_, n) => `w${n}`)];
const EMBED = { kind: "embed", app: "jobs", allowedOrigins: [PORTAL] };

/** How a request has the JWT, what `IDENTITY` says of that, and the claim that makes an admin. */
const CARRIERS = {
  "a header": {
    identity: { header: ASSERTION },
    carry: byJwt,
    admin: { roles: ["author", "admin"] },
  },
  "a cookie": {
    identity: { cookie: "CF_Authorization", claims: { roles: "groups" }, adminRole: "ops" },
    carry: (jwt) => [["Cookie", `theme=dark; CF_Authorization=${jwt}; a=b`]],
    admin: { groups: "ops" },
  },
};

let provider;
let storage;
let gate;
const gates = {};
const issued = [];
before(async () => {
  const real = await startProvider();
  const issue = async (claims) => {
    issued.push(await real.token(claims));
    return issued.at(-1);
  };
  provider = { ...real, token: issue };
  storage = await mkdtemp(join(tmpdir(), "gatepass-objects-"));
  for (const [name, { identity }] of Object.entries(CARRIERS)) {
    const IDENTITY = identityBy(provider, identity);
    const vars = { WORKSPACES, APPS: [JOBS], EMBED_HOST: "*.embed.test", IDENTITY };
    gates[name] = await startRawGate({ vars, storage: gate ? undefined : storage });
    gate ??= gates[name];
  }
});
after(async () => {
  await Promise.all([...Object.values(gates), provider].map((started) => started?.stop()));
  if (storage) await rm(storage, { recursive: true, force: true });
});

const namesOf = ({ result }) => result.map(({ name }) => name);

/** Every request about one token. */
const aboutToken = (id) => [
  ["GET", `${API}/audit?token=${id}`],
  ["GET", `${TOKENS}/${id}`],
  ["PATCH", `${TOKENS}/${id}`, { json: { name: "mine now" } }],
  ["POST", `${TOKENS}/${id}/rotate`, { json: {} }],
  ["DELETE", `${TOKENS}/${id}`],
  ["DELETE", `${API}/sessions?token=${id}`],
];

/** Every request about all that a user has. */
const aboutUser = (user) => [
  ["GET", `${TOKENS}?user=${user}`],
  ["GET", `${API}/sessions?user=${user}`],
  ["GET", `${API}/audit?user=${user}`],
  ["DELETE", `${API}/sessions?user=${user}`],
  ["POST", TOKENS, { json: { name: "theirs", user: { id: user } } }],
];

for (const [name, carrier] of Object.entries(CARRIERS)) {
  describe(`a person signed in by ${name}`, { concurrency: 4 }, () => {
    const here = () => gates[name];
    const person = (claims) => signIn(here(), provider, newPerson(claims), carrier.carry);

    test("is told who that is", async () => {
      const { ask, sub, email } = await person();
      const told = await ask("GET", SIGN_IN);
      const user = { id: sub, email };
      const { apps, routes, origin, ...who } = await ok(told);
      const where = { workspace: "default", workspaces: WORKSPACES };
      assert.deepEqual(who, { user, role: "user", signIn: "provider", ...where });
      assert.equal(origin, here().url);
      assert.deepEqual(apps, [JOBS]);
      assert.deepEqual(
        routes.map(({ path }) => path),
        DEVELOPMENT_ROUTES.map(({ path }) => path),
      );
      assert.equal(told.header("Cache-Control"), "no-store");
      const admin = await person(carrier.admin);
      const toldAdmin = await ok(admin.ask("GET", SIGN_IN));
      assert.equal(toldAdmin.role, "admin");
      assert.deepEqual(toldAdmin.apps, [{ ...JOBS, allowedOrigins: [] }]);
      const elsewhere = await ok(ask("GET", `${SIGN_IN}?workspace=w0`));
      assert.equal(elsewhere.workspace, "w0");
    });

    test("makes, lists, renames, disables, replaces and revokes tokens of their own", async () => {
      const { ask, sub, email } = await person();
      const made = await make(ask, { scopes: ["odata"] });
      assert.deepEqual(made.user, { id: sub, email });
      const knock = (token) => asking(here(), byPat(token))("GET", "/echo/x");
      const seen = (await ok(knock(made.token))).headers;
      assert.deepEqual([seen["gatepass-user"], seen["gatepass-email"]], [sub, email]);
      const path = `${TOKENS}/${made.id}`;
      assert.deepEqual(namesOf(await ok(ask("GET", TOKENS))), ["one"]);
      assert.equal((await ok(ask("PATCH", path, { json: { name: "two" } }))).name, "two");
      await ok(ask("PATCH", path, { json: { enabled: false } }));
      assert.equal((await knock(made.token)).status, 401);
      await ok(ask("PATCH", path, { json: { enabled: true } }));
      const next = await ok(ask("POST", `${path}/rotate`, { json: {} }), 201);
      assert.equal((await ok(ask("GET", path))).state, "used");
      assert.equal((await knock(made.token)).status, 401);
      await ok(knock(next.token));
      await ok(ask("DELETE", `${TOKENS}/${next.id}`), 204);
      assert.equal((await knock(next.token)).status, 401);
      const { result } = await ok(ask("GET", `${API}/audit?result=ok`));
      assert.deepEqual([...new Set(result.map(({ actor }) => actor))], [`user:${sub}`]);
      const actions = result.map(({ action }) => action.replace("token.", ""));
      const done = ["created", "changed", "disabled", "enabled", "rotated", "created", "revoked"];
      assert.deepEqual(actions.toReversed(), done);
    });

    test("sees the sessions of their own embeds, and ends them", async () => {
      const { ask } = await person();
      const token = await make(ask, EMBED);
      const visit = await openWith(here(), token);
      const { result } = await ok(ask("GET", `${API}/sessions`));
      assert.deepEqual(
        result.map(({ id, tokenId }) => [id, tokenId]),
        [[visit.session().id, token.id]],
      );
      await ok(ask("DELETE", `${API}/sessions/${result[0].id}`), 204);
      await until(async () => (await visit.ask("/public/hello")).status === 401, "the end");
    });

    test("finds of others what there is of nobody", async () => {
      const [{ ask }, other] = [await person(), await person()];
      const theirs = await make(other.ask, EMBED);
      const session = (await openWith(here(), theirs)).session().id;
      await assertAlike(ask, aboutToken(theirs.id), aboutToken(NOBODY));
      await assertAlike(ask, aboutUser(other.sub), aboutUser("nobody"));
      await assertAlike(ask, aboutUser(other.email), aboutUser("nobody@example.com"));
      const kill = (id) => ["DELETE", `${API}/sessions/${id}`];
      await assertAlike(ask, [kill(session)], [kill(NOBODY)]);
      for (const [method, path, options] of aboutUser(other.sub)) {
        const answer = await ask(method, path, options);
        assert.equal(assertRefused(answer, 403, "scope_insufficient").field, "user");
      }
      for (const path of [TOKENS, `${API}/sessions`]) {
        assert.deepEqual(await ok(ask("GET", path)), { result: [], next: null });
      }
      assert.deepEqual(namesOf(await ok(other.ask("GET", TOKENS))), ["one"]);
      assert.equal((await ok(other.ask("GET", `${API}/sessions`))).result.length, 1);
      const events = await ok(other.ask("GET", `${API}/audit`));
      assert.ok(
        events.result.every(({ actor }) => [`user:${other.sub}`, "viewer"].includes(actor)),
      );
    });

    test("may do nothing that is an admin's", async () => {
      const { ask } = await person();
      const settings = await ok(ask("GET", `${API}/settings`));
      for (const [method, path, options] of [
        ["PUT", `${API}/settings`, { json: settings }],
        ["DELETE", `${API}/sessions?all=true`],
        ["POST", "/gatepass/oauth/introspect", { form: { token: "x" } }],
        ["POST", SIGN_IN],
      ]) {
        assertRefused(await ask(method, path, options), 403, "scope_insufficient");
      }
      assertRefused(await ask("GET", `${TOKENS}/self`), 400, "invalid_request");
      const json = { email: "a@example.com", appId: "jobs" };
      assert.equal((await ask("POST", TOOLJET, { json })).status, 401);
    });

    test("who has the admin's role does it for all", async () => {
      const [admin, other] = [await person(carrier.admin), await person()];
      const theirs = await make(other.ask);
      const given = await make(admin.ask, { name: "given", user: { email: other.email } });
      assert.equal(given.user.id, other.sub);
      assert.deepEqual(namesOf(await ok(other.ask("GET", TOKENS))), ["given", "one"]);
      assert.deepEqual((await make(admin.ask, { name: "own" })).user.id, admin.sub);
      const listed = await ok(admin.ask("GET", `${TOKENS}?user=${other.sub}`));
      assert.deepEqual(namesOf(listed), ["given", "one"]);
      const path = `${TOKENS}/${theirs.id}`;
      assert.equal((await ok(admin.ask("PATCH", path, { json: { name: "b" } }))).name, "b");
      const form = { token: theirs.token };
      const told = await ok(admin.ask("POST", "/gatepass/oauth/introspect", { form }));
      assert.equal(told.sub, other.sub);
      await ok(admin.ask("DELETE", path), 204);
      const [event] = (await ok(other.ask("GET", `${API}/audit?token=${theirs.id}`))).result;
      assert.deepEqual([event.action, event.actor], ["token.revoked", `user:${admin.sub}`]);
      const settings = await ok(admin.ask("GET", `${API}/settings?workspace=w1`));
      await ok(admin.ask("PUT", `${API}/settings?workspace=w1`, { json: settings }));
      await ok(admin.ask("DELETE", `${API}/sessions?all=true&workspace=w1`), 204);
      const { result } = await ok(admin.ask("GET", `${API}/audit?workspace=w1`));
      const done = result.map(({ action, actor }) => `${action} by ${actor}`);
      const by = `by user:${admin.sub}`;
      assert.deepEqual(done, [`sessions.killed ${by}`, `settings.changed ${by}`]);
    });

    test("is not let in where there are two JWTs", async () => {
      const { jwt } = await person();
      for (const second of [jwt, await provider.token(newPerson())]) {
        const ask = asking(here(), [...carrier.carry(jwt), ...carrier.carry(second)]);
        assertRefused(await ask("GET", TOKENS), 401, "token_missing", [BEARER]);
      }
    });

    test("ASVS 3.5.1: is not acted for by a page of another site, or of a sibling", async () => {
      const { ask } = await person();
      const { id } = await make(ask);
      const [{ ID: number }] = await ok(ask("GET", SYNERGY.list));
      const generation = { json: { ClientId: "c", Name: "n", ExpireInDays: 1 } };
      const requests = [
        ...aboutToken(id),
        ["GET", TOKENS],
        ["POST", TOKENS, { json: { name: "theirs" } }],
        ["GET", SIGN_IN],
        ["DELETE", SIGN_IN],
        ["GET", `${API}/audit`],
        ["GET", SYNERGY.list],
        ["POST", SYNERGY.generate, generation],
        ["POST", `${SYNERGY.delete}?id=${number}`],
      ];
      const site = (value) => ["Sec-Fetch-Site", value];
      const origin = (value) => ["Origin", value];
      for (const headers of [
        [site("cross-site")],
        [site("same-site")],
        [origin("https://evil.example")],
        [origin("null")],
        [site("same-origin"), origin("https://evil.example")],
      ]) {
        for (const [method, target, options] of requests) {
          const answer = await ask(method, target, { ...options, headers });
          assertRefused(answer, 403, "cross_site");
        }
      }
      const [{ name, state }, ...others] = (await ok(ask("GET", TOKENS))).result;
      assert.deepEqual([name, state, others], ["one", "active", []]);
      await ok(ask("GET", TOKENS, { headers: [site("same-origin")] }));
      await ok(ask("GET", TOKENS, { headers: [site("none")] }));
    });

    test("counts for nothing where the request has a PAT or the operator key", async () => {
      const [admin, other] = [await person(carrier.admin), await person()];
      const theirs = await make(other.ask, { scopes: ["tokens"] });
      const both = (credential) => asking(here(), [...credential, ...carrier.carry(admin.jwt)]);
      for (const credential of [
        byPat(theirs.token),
        [["Authorization", basic("", theirs.token)]],
        [["X-API-Key", theirs.token]],
      ]) {
        const ask = both(credential);
        const who = await ok(ask("GET", SIGN_IN));
        assert.deepEqual([who.user.id, who.role], [other.sub, "user"]);
        const settings = await ask("PUT", `${API}/settings`, { json: {} });
        assertRefused(settings, 403, "scope_insufficient");
      }
      const headers = [["Sec-Fetch-Site", "cross-site"]];
      await ok(both(byPat(theirs.token))("GET", TOKENS, { headers }));
      const operator = await ok(both(byOperator(here()))("GET", SIGN_IN));
      assert.deepEqual([operator.user, operator.role], [null, "admin"]);
      for (const credential of [byPat("pat_x"), [["Authorization", basic("", "x".repeat(40))]]]) {
        const answer = await both(credential)("GET", TOKENS);
        assertRefused(answer, 401, "token_malformed", [INVALID_TOKEN]);
      }
      await ok(other.ask("DELETE", `${TOKENS}/${theirs.id}`), 204);
      const revoked = await both(byPat(theirs.token))("GET", TOKENS);
      assertRefused(revoked, 401, "token_revoked", [INVALID_TOKEN]);
    });

    test("opens no path of the upstream, which never gets their JWT", async () => {
      const { ask, jwt } = await person();
      assert.equal((await ask("GET", "/echo/x")).status, 401);
      const { token } = await make(ask);
      const both = asking(here(), [...byPat(token), ...carrier.carry(jwt)]);
      const { headers } = await ok(both("GET", "/echo/x"));
      const holding = Object.keys(headers).filter((name) => headers[name].includes(jwt));
      assert.deepEqual(holding, []);
    });
  });
}

describe("who somebody is", { concurrency: 4 }, () => {
  const person = (claims) => signIn(gate, provider, claims);
  const forToolJet = (email, workspace = "default") => {
    const json = { email, appId: "jobs", sessionExpiry: 5, patExpiry: 60 };
    const target = `${TOOLJET}?workspace=${workspace}`;
    return ok(asking(gate, byOperator(gate))("POST", target, { json }));
  };

  test("whom ToolJet's client knows by an address and the provider by a name is one user", async () => {
    const claims = newPerson();
    await forToolJet(claims.email.toUpperCase());
    const { ask } = await person(claims);
    const { user } = await ok(ask("GET", SIGN_IN));
    assert.deepEqual(user, { id: claims.email, email: claims.email });
    const { result } = await ok(ask("GET", TOKENS));
    assert.deepEqual(
      result.map((token) => [token.kind, token.user.id]),
      [["embed", claims.email]],
    );
    assert.equal((await make(ask)).user.id, claims.email);
    const events = await ok(ask("GET", `${API}/audit?action=token.created`));
    const actors = events.result.map(({ actor }) => actor);
    assert.deepEqual(actors, [`user:${claims.email}`, "operator"]);
  });

  test("and so is one whom the provider has named first", async () => {
    const claims = newPerson();
    const { ask } = await person(claims);
    await ok(ask("GET", SIGN_IN));
    await forToolJet(claims.email);
    const [{ user }] = (await ok(ask("GET", TOKENS))).result;
    assert.equal(user.id, claims.sub);
  });

  test("does not change with the address; who gets the address is somebody else", async () => {
    const claims = newPerson();
    const { id } = await make((await person(claims)).ask);
    const email = `new-${claims.email}`;
    const moved = await person({ ...claims, email });
    const who = await ok(moved.ask("GET", SIGN_IN));
    assert.deepEqual(who.user, { id: claims.sub, email });
    await ok(moved.ask("GET", `${TOKENS}/${id}`));
    const heir = await person(newPerson({ email: claims.email }));
    assert.notEqual((await ok(heir.ask("GET", SIGN_IN))).user.id, claims.sub);
    assertRefused(await heir.ask("GET", `${TOKENS}/${id}`), 404, "token_unknown");
  });

  test("is not somebody else by having their address, or their id as a name", async () => {
    const claims = newPerson();
    await make((await person(claims)).ask);
    const given = { id: "given", email: "given@example.com" };
    await make(asking(gate, byOperator(gate)), { user: given });
    for (const other of [
      newPerson({ email: claims.email }),
      newPerson({ sub: given.id }),
      newPerson({ sub: given.id, email: undefined }),
    ]) {
      assertRefused(await (await person(other)).ask("GET", TOKENS), 403, "token_unknown");
    }
  });

  test("must be known where only known users are served", async () => {
    const [stranger, known] = [await person(), await person()];
    await forToolJet(known.email, "w2");
    await setSettings(gate, "w2", { knownUsersOnly: true });
    for (const [method, path, options] of [
      ["GET", SIGN_IN],
      ["GET", TOKENS],
      ["POST", TOKENS, { json: { name: "x" } }],
      ["GET", SYNERGY.list],
    ]) {
      const request = [method, `${path}?workspace=w2`, options];
      assertRefused(await stranger.ask(...request), 403, "invalid_field");
      const answer = await known.ask(...request);
      assert.ok(answer.status < 300, answer.text);
    }
    await setSettings(gate, "w2");
    const { result } = await ok(stranger.ask("GET", `${TOKENS}?workspace=w2`));
    assert.deepEqual(result, []);
  });
});

describe("what the workspace's settings say holds for people", { concurrency: 4 }, () => {
  const person = async (workspace, claims) => {
    const { ask } = await signIn(gate, provider, newPerson(claims));
    return (method, path, options) => ask(method, `${path}?workspace=${workspace}`, options);
  };

  test("where only admins create, others do not", async () => {
    await setSettings(gate, "w3", { whoMayCreate: "admins" });
    const [user, admin] = [await person("w3"), await person("w3", { roles: "admin" })];
    const json = { ClientId: "c", Name: "n", ExpireInDays: 1 };
    assertRefused(await user("POST", TOKENS, { json: { name: "x" } }), 403, "creation_disabled");
    assertRefused(await user("POST", SYNERGY.generate, { json }), 403, "creation_disabled");
    await make(admin);
    await ok(admin("POST", SYNERGY.generate, { json }));
  });

  test("where scopes are on offer, who is no admin gets none but these", async () => {
    await setSettings(gate, "w4", { scopes: [{ name: "odata", description: "" }] });
    const [user, admin] = [await person("w4"), await person("w4", { roles: "admin" })];
    await make(user, { scopes: ["odata"] });
    const answer = await user("POST", TOKENS, { json: { name: "x", scopes: ["odata", "jobs"] } });
    assert.equal(assertRefused(answer, 403, "invalid_field").field, "scopes");
    await make(admin, { scopes: ["jobs"] });
  });
});

describe("12d Synergy's endpoints for somebody who is signed in", () => {
  const person = async (workspace, claims) => {
    const { ask, sub } = await signIn(gate, provider, newPerson(claims));
    const json = { ClientId: "teams", Name: "Teams", ExpireInDays: 7 };
    const at = `workspace=${workspace}`;
    return {
      sub,
      generate: () => ok(ask("POST", `${SYNERGY.generate}?${at}`, { json })),
      list: () => ok(ask("GET", `${SYNERGY.list}?${at}`)),
      remove: (id) => ask("POST", `${SYNERGY.delete}?id=${id}&${at}`),
    };
  };
  const self = (token) => ok(asking(gate, byPat(token))("GET", `${TOKENS}/self`));

  test("list, generate and delete their own", async () => {
    const [one, other] = [await person("w0"), await person("w0")];
    assert.deepEqual(await one.list(), []);
    const token = await one.generate();
    const { scopes, user, parent } = await self(token);
    assert.deepEqual([scopes, user.id, parent], [["tokens"], one.sub, null]);
    const listed = await one.list();
    assert.deepEqual(
      listed.map(({ ID, Name }) => [ID, Name]),
      [[1, "Teams"]],
    );
    assert.deepEqual(await other.list(), []);
    const [theirs, nobodys] = [await other.remove(1), await other.remove(99)];
    assert.deepEqual(visible(theirs), visible(nobodys));
    assertRefused(theirs, 404, "token_unknown");
    await self(token);
    assert.equal((await one.remove(1)).status, 200);
    assert.equal((await asking(gate, byPat(token))("GET", "/echo/x")).status, 401);
  });

  test("generate what is for all that is on offer", async () => {
    const offered = ["jobs:read", "odata"];
    const scopes = offered.map((name) => ({ name, description: "" }));
    await setSettings(gate, "w5", { scopes });
    const token = await (await person("w5")).generate();
    assert.deepEqual((await self(token)).scopes, [...offered, "tokens"]);
  });

  test("are an admin's own there too", async () => {
    const [admin, other] = [await person("w0", { roles: "admin" }), await person("w0")];
    const theirs = await other.generate();
    assert.deepEqual(await admin.list(), []);
    assertRefused(await admin.remove(1), 404, "token_unknown");
    await admin.generate();
    assert.equal((await admin.list()).length, 1);
    await self(theirs);
  });
});

test("no JWT is in a log or in a store, nor what is in it or signs it", async () => {
  assert.ok(issued.length > 40);
  const files = await Promise.all((await filesIn(storage)).map((file) => readFile(file, "latin1")));
  assert.ok(files.join("").includes("person-1@example.com"));
  for (const { output, kv } of Object.values(gates)) {
    const told = [output(), ...[...kv.values].flat(), ...files].join("\n");
    for (const jwt of issued) {
      const [, ...parts] = jwt.split(".");
      for (const text of [jwt, digestOf(jwt), ...parts]) assert.ok(!told.includes(text), text);
    }
  }
});
