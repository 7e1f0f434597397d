// What whoever is known is told of the deployment by GET sign-in: the workspaces, the apps and the
// routes.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { startProvider } from "../support/oidc.mjs";
import {
  asking,
  ASSERTION,
  byOperator,
  byPat,
  identityBy,
  newPerson,
  ok,
  SIGN_IN,
  signIn,
} from "../support/people.mjs";

const APPS = [
  { id: "jobs", name: "Jobs", upstream: "service:DEMO", permissionsPolicy: "camera=()" },
  { id: "a-map", allowedOrigins: ["https://portal.example"], embedderPolicy: "unsafe-none" },
];
const ROUTES = [
  { path: "/z/*", methods: ["POST", "GET"], scopes: ["z", "a"] },
  { path: "/feed", queryToken: "key", cors: ["https://page.example"] },
  { path: "/a", public: true },
];
const OFFER = {
  apps: [
    { id: "jobs", name: "Jobs", allowedOrigins: [] },
    { id: "a-map", name: "", allowedOrigins: ["https://portal.example"] },
  ],
  routes: [
    { path: "/z/*", methods: ["POST", "GET"], scopes: ["z", "a"], public: false },
    { path: "/feed", methods: [], scopes: [], public: false },
    { path: "/a", methods: [], scopes: [], public: true },
  ],
};

const offerTo = async (ask) => {
  const { apps, routes } = await ok(ask("GET", SIGN_IN));
  return { apps, routes };
};

describe("apps and routes", { concurrency: true }, () => {
  for (const [how, vars, offer] of [
    ["as values", { APPS, ROUTES }, OFFER],
    ["as JSON", { APPS: JSON.stringify(APPS), ROUTES: JSON.stringify(ROUTES) }, OFFER],
    ["not at all", { APPS: undefined, ROUTES: "" }, { apps: [], routes: [] }],
  ]) {
    test(`that are configured ${how} are told as they are, in their order`, async (t) => {
      const gate = await startRawGate({ vars });
      t.after(() => gate.stop());
      assert.deepEqual(await offerTo(asking(gate, byOperator(gate))), offer);
      const pat = await gate.createToken({ scopes: [] });
      const nothing = { apps: undefined, routes: undefined };
      assert.deepEqual(await offerTo(asking(gate, byPat(pat.token))), nothing);
      const { headers, text } = await asking(gate, byOperator(gate))("HEAD", SIGN_IN);
      assert.equal(text, "");
      assert.ok(!JSON.stringify(headers).includes("offer"));
    });
  }
});

test("where the app is asked is told, unless people are signed in elsewhere", async (t) => {
  const host = "app.example.com";
  for (const [MANAGEMENT_HOST, origin] of [
    [undefined, (gate) => `http://${host}:${gate.port}`],
    [host, () => null],
  ]) {
    const gate = await startRawGate({ vars: { MANAGEMENT_HOST } });
    t.after(() => gate.stop());
    const told = await ok(asking(gate, byOperator(gate))("GET", SIGN_IN, { host }));
    assert.equal(told.origin, origin(gate));
  }
});

describe("the workspaces that can be named", () => {
  const WORKSPACES = ["acme", "initech", { name: "globex", hosts: ["globex.test"] }];
  const GATE = "gate.test";
  const GLOBEX = "globex.test";
  let provider;
  let gate;
  before(async () => {
    provider = await startProvider();
    gate = await startRawGate({ vars: { WORKSPACES } });
  });
  after(() => Promise.all([gate?.stop(), provider?.stop()]));

  /** What somebody is told at a host: the workspaces. */
  const told = async (ask, host, query = "") =>
    (await ok(ask("GET", SIGN_IN + query, { host }))).workspaces;

  test("are for the operator those at this host, whichever is named", async () => {
    const ask = asking(gate, byOperator(gate));
    assert.deepEqual(await told(ask, GATE), ["acme", "initech"]);
    assert.deepEqual(await told(ask, GATE, "?workspace=initech"), ["acme", "initech"]);
    assert.deepEqual(await told(ask, GLOBEX), ["globex"]);
  });

  test("are for a PAT its own alone", async () => {
    const json = { name: "x", user: { id: "ada" } };
    const operator = asking(gate, byOperator(gate));
    const path = "/gatepass/api/tokens?workspace=initech";
    const { token } = await ok(operator("POST", path, { json, host: GATE }), 201);
    assert.deepEqual(await told(asking(gate, byPat(token)), GATE), ["initech"]);
  });

  for (const [where, claims, workspaces] of [
    ["those at this host, where the provider names none", undefined, ["acme", "initech"]],
    ["the one that the provider names, alone", { workspace: "org" }, ["initech"]],
  ]) {
    test(`are for a person ${where}`, async (t) => {
      const IDENTITY = identityBy(provider, { header: ASSERTION, claims });
      const gate = await startRawGate({ vars: { WORKSPACES, IDENTITY } });
      t.after(() => gate.stop());
      for (const roles of [[], ["admin"]]) {
        const { ask } = await signIn(gate, provider, newPerson({ org: "initech", roles }));
        assert.deepEqual(await told(ask, GATE), workspaces);
      }
      const operator = asking(gate, byOperator(gate));
      assert.deepEqual(await told(operator, GATE), ["acme", "initech"]);
    });
  }
});
