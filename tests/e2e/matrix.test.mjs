// Who may do what: every operation, asked by everybody.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { AS, JOBS, openWith, PORTAL } from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { startProvider } from "../support/oidc.mjs";
import {
  API,
  asking,
  ASSERTION,
  byCookie,
  byJwt,
  byOperator,
  byPat,
  identityBy,
  make,
  newPerson,
  ok,
  TOKENS,
} from "../support/people.mjs";
import { DEFAULTS } from "../support/settings.mjs";
import { startServer } from "../support/stand-ins.mjs";

// All is about things of one user: a PAT {id}, which is the {number}th, an embed token {embed} and
// its {session}. In this order ask: nobody; that user; another one; an admin; an admin of another
// workspace; the operator; a PAT of the user's, without the scope `tokens` and with it; the viewer of
// the user's embed, by the cookie of its session; and the same in the embed's own place.
//
// A plus says that the answer showed what is the user's, or for other methods than GET that it has
// changed. Without one neither has happened. "app": the app has answered, and not the gate.
const TABLE = `
                                                  nobody user  other admin abroad key   pat   pat+  viewer place
GET    /gatepass/api/tokens                       401    200+  200   200+  200    200+  403   200+  401    404
GET    /gatepass/api/tokens?user={user}           401    200+  403   200+  200    200+  403   200+  401    404
POST   /gatepass/api/tokens                       401    201+  403   201+  201    201+  403   201+  401    404
GET    /gatepass/api/tokens/{id}                  401    200+  404   200+  404    200+  403   200+  401    404
PATCH  /gatepass/api/tokens/{id}                  401    200+  404   200+  404    200+  403   200+  401    404
DELETE /gatepass/api/tokens/{id}                  401    204+  404   204+  404    204+  403   204+  401    404
POST   /gatepass/api/tokens/{id}/rotate           401    201+  404   201+  404    201+  403   201+  401    404
GET    /gatepass/api/tokens/self                  401    400   400   400   400    400   200+  200+  401    404
DELETE /gatepass/api/tokens/self                  401    400   400   400   400    400   204+  204+  401    404
GET    /gatepass/api/sessions                     401    200+  200   200+  200    200+  403   200+  401    404
GET    /gatepass/api/sessions?user={user}         401    200+  403   200+  200    200+  403   200+  401    404
DELETE /gatepass/api/sessions?token={embed}       401    204+  404   204+  404    204+  403   204+  401    404
DELETE /gatepass/api/sessions?user={user}         401    204+  403   204+  404    204+  403   204+  401    404
DELETE /gatepass/api/sessions?all=true            401    403   403   204+  204    204+  403   403   401    404
DELETE /gatepass/api/sessions/{session}           401    204+  404   204+  404    204+  403   204+  401    404
GET    /gatepass/api/settings                     401    200   200   200   200    200   403   200   401    404
PUT    /gatepass/api/settings                     401    403   403   200+  200    200+  403   403   401    404
GET    /gatepass/api/audit                        401    200+  200   200+  200    200+  403   200+  401    404
GET    /gatepass/api/audit?user={user}            401    200+  403   200+  200    200+  403   200+  401    404
GET    /gatepass/api/audit?token={id}             401    200+  200   200+  200    200+  403   200+  401    404
GET    /gatepass/api/sign-in                      200    200   200   200   200    200   200   200   200    404
POST   /gatepass/api/sign-in                      401    403   403   400   400    400   403   403   401    404
DELETE /gatepass/api/sign-in                      401    204   204   204   204    204   204   204   401    404
POST   /gatepass/oauth/introspect                 401    403   403   200+  200    200+  403   403   401    404
POST   /gatepass/oauth/revoke                     401    200+  200   200+  200    200+  403   200+  401    404
GET    /api/v1/auth/getPersonalAccessTokens       401    200+  200   200   200    400   403   200+  401    app
POST   /api/v1/auth/generate-pat                  401    200+  200   200   200    400   403   200+  401    app
POST   /api/v1/auth/delete-pat?id={number}        401    200+  404   404   404    400   403   200+  401    app
POST   /api/ext/users/personal-access-token       401    401   401   401   401    200+  401   401   401    app
GET    /gatepass/metrics                          401    401   401   401   401    401   401   401   401    404
GET    /gatepass/healthz                          200    200   200   200   200    200   200   200   200    200
GET    /gatepass/jwks.json                        200    200   200   200   200    200   200   200   200    200
GET    /gatepass/api/openapi.json                 200    200   200   200   200    200   200   200   200    200
POST   /gatepass/leaks/github                     401    401   401   401   401    401   401   401   401    401
POST   /gatepass/leaks/github#signed              200+   200+  200+  200+  200+   200+  200+  200+  200+   200+
GET    /whatever/else                             401    401   401   401   401    401   app   app   401    app
`;

const [ASKERS, ...ROWS] = TABLE.trim().split("\n");
const NAMES = ASKERS.trim().split(/\s+/);
const OPERATIONS = ROWS.map((line) => {
  const [method, path, ...cells] = line.split(/\s+/);
  return { name: `${method} ${path}`, method, path, cells };
});

/** What is sent where it is not just a method and a path, by the operation without its query. */
const SENT = {
  "POST /gatepass/api/tokens": ({ user }) => ({ json: { name: "new", user: { id: user } } }),
  "PATCH /gatepass/api/tokens/{id}": () => ({ json: { name: "renamed" } }),
  "POST /gatepass/api/tokens/{id}/rotate": () => ({ json: {} }),
  "PUT /gatepass/api/settings": () => ({
    json: { ...DEFAULTS, maxLifetimeDays: 300, neverAllowed: false },
  }),
  "POST /gatepass/oauth/introspect": ({ token }) => ({ form: { token } }),
  "POST /gatepass/oauth/revoke": ({ token }) => ({ form: { token } }),
  "POST /api/v1/auth/generate-pat": () => ({ json: { ClientId: "c", Name: "n", ExpireInDays: 1 } }),
  "POST /api/ext/users/personal-access-token": ({ email }) => ({
    json: { email, appId: "jobs", sessionExpiry: 5, patExpiry: 60 },
  }),
  "POST /gatepass/leaks/github": ({ token }) => ({ json: [{ token, type: "pat" }] }),
  "POST /gatepass/leaks/github#signed": ({ token }) => signedReport(token),
};

/** Those that only show something, though they are no GET. */
const SHOWING = ["POST /gatepass/oauth/introspect"];

const scanner = generateKeyPairSync("ec", { namedCurve: "P-256" });
const KEY_ID = "scanner-1";
const WORKSPACES = Array.from({ length: OPERATIONS.length * NAMES.length }, (_, n) => `w${n}`);

let provider;
let published;
let app;
let gate;
before(async () => {
  const key = scanner.publicKey.export({ type: "spki", format: "pem" });
  const keys = { public_keys: [{ key_identifier: KEY_ID, key, is_current: true }] };
  published = await startServer((_, response) => response.end(JSON.stringify(keys)));
  app = await startServer((_, response) => response.writeHead(200, { "x-app": "yes" }).end("{}"));
  provider = await startProvider();
  const claims = { workspace: "org" };
  gate = await startRawGate({
    servers: { app: app.address },
    upstream: { server: "app" },
    vars: {
      METRICS_KEY: "m".repeat(32),
      ...{ WORKSPACES: [...WORKSPACES, "abroad"], APPS: [JOBS], EMBED_HOST: "*.embed.test" },
      IDENTITY: identityBy(provider, { header: ASSERTION, claims }),
      LEAK_KEYS_URL: published.url,
    },
  });
});
after(() => Promise.all([gate, provider, published, app].map((started) => started?.stop())));

/** A report as GitHub's secret scanning signs it. */
function signedReport(token) {
  const report = [{ token, type: "pat", url: "https://example.com/", source: "content" }];
  const body = Buffer.from(JSON.stringify(report));
  const headers = [
    ["Github-Public-Key-Identifier", KEY_ID],
    ["Github-Public-Key-Signature", sign("sha256", body, scanner.privateKey).toString("base64")],
  ];
  return { json: report, headers };
}

/** A workspace of its own, with the user whose things all is about. */
async function settle({ path }, askers) {
  const workspace = WORKSPACES.pop();
  const operator = (method, target, options) => {
    const and = target.includes("?") ? "&" : "?";
    return asking(gate, byOperator(gate))(method, `${target}${and}workspace=${workspace}`, options);
  };
  const { sub, email } = newPerson();
  const user = { id: sub, email };
  const { id, token } = await make(operator, { user, name: `one of ${sub}` });
  const about = { user: sub, email, id, token, number: 1 };
  const scene = { workspace, operator, user, about };
  if (path.includes("sessions") || askers.some((asker) => INSIDE.includes(asker))) {
    const fields = { kind: "embed", app: "jobs", allowedOrigins: [PORTAL] };
    const embed = await make(operator, { user, name: `two of ${sub}`, ...fields });
    scene.visit = await openWith(gate, embed);
    Object.assign(about, { embed: embed.id, session: scene.visit.session().id });
  }
  return scene;
}

/** Who asks from within an embed. */
const INSIDE = ["viewer", "place"];

/** How each asks: what a request shows, and what else there is to it. */
const ASKING = {
  nobody: () => ({ shown: [] }),
  user: ({ about, workspace }) => person({ sub: about.user, email: about.email, org: workspace }),
  other: ({ workspace }) => person({ org: workspace }),
  admin: ({ workspace }) => person({ org: workspace, roles: ["admin"] }),
  abroad: () => person({ org: "abroad", roles: ["admin"] }),
  key: ({ operator }) => ({ ask: operator }),
  pat: (scene) => pat(scene, []),
  "pat+": (scene) => pat(scene, ["tokens"]),
  viewer: ({ visit }) => ({ shown: [...AS.script, ...byCookie(visit.cookie)] }),
  place: ({ visit }) => ({
    shown: [...AS.script, ...byCookie(visit.cookie)],
    host: new URL(visit.origin).hostname,
  }),
};

const person = async (claims) => ({ shown: byJwt(await provider.token(newPerson(claims))) });

async function pat({ operator, user }, scopes) {
  const { id, token } = await make(operator, { user, scopes, name: "the asking one" });
  return { shown: byPat(token), self: id };
}

/** What there is of the user. */
async function stateOf({ operator, about: { user } }) {
  const [tokens, sessions, settings] = await Promise.all([
    ok(operator("GET", `${TOKENS}?user=${user}`)),
    ok(operator("GET", `${API}/sessions?user=${user}`)),
    ok(operator("GET", `${API}/settings`)),
  ]);
  const told = tokens.result.map(({ id, name, state }) => [id, name, state]);
  return JSON.stringify([told, sessions.result.map(({ id }) => id), settings]);
}

/** Has somebody ask. */
async function answerTo({ method, path }, { about }, { shown, host, ask = asking(gate, shown) }) {
  const [target] = path.replace(/\{(\w+)\}/g, (_, field) => about[field]).split("#");
  const sent = SENT[`${method} ${path.split("?")[0]}`]?.(about);
  return ask(method, target, { host, ...sent });
}

const cellOf = (answer, hasHappened) => {
  if (answer.header("x-app")) return "app";
  return `${answer.status}${hasHappened ? "+" : ""}`;
};

/** What an operation shows to each, one after the other, since it changes nothing. */
async function shownTo(operation) {
  const scene = await settle(operation, NAMES);
  const askers = await Promise.all(NAMES.map((asker) => ASKING[asker](scene)));
  const before = await stateOf(scene);
  const cells = [];
  for (const asker of askers) {
    const { text, ...answer } = await answerTo(operation, scene, asker);
    const { id, session, user } = scene.about;
    const isSelf = operation.path.endsWith("/self");
    const things = isSelf ? [asker.self] : [id, session, `one of ${user}`];
    cells.push(
      cellOf(
        answer,
        things.some((thing) => thing && text.includes(thing)),
      ),
    );
  }
  assert.equal(await stateOf(scene), before);
  return cells;
}

/** What an operation changes for each, who all find what nobody has touched. */
async function changedFor(operation) {
  const cells = NAMES.map(async (asker) => {
    const scene = await settle(operation, [asker]);
    const asking = await ASKING[asker](scene);
    const before = await stateOf(scene);
    const answer = await answerTo(operation, scene, asking);
    return cellOf(answer, (await stateOf(scene)) !== before);
  });
  return Promise.all(cells);
}

describe("who may do what", { concurrency: 3 }, () => {
  for (const operation of OPERATIONS) {
    test(operation.name, async () => {
      const { name, method, cells } = operation;
      const isShowing = method === "GET" || SHOWING.includes(name);
      const found = await (isShowing ? shownTo(operation) : changedFor(operation));
      const lines = (cells) => NAMES.map((asker, at) => `${asker}: ${cells[at]}`).join("\n");
      assert.equal(lines(found), lines(cells));
    });
  }

  test("is said of each operation of the API's description", () => {
    const source = readFileSync(new URL("../../www/api/openapi.json", import.meta.url), "utf8");
    const plain = (path) => path.replace(/[?#].*/, "").replace(/\{\w+\}/g, "{}");
    const said = new Set(OPERATIONS.map(({ method, path }) => `${method} ${plain(path)}`));
    for (const [path, { parameters: _, ...methods }] of Object.entries(JSON.parse(source).paths)) {
      for (const method of Object.keys(methods)) {
        const operation = `${method.toUpperCase()} ${plain(path)}`;
        assert.ok(said.has(operation), `the table has no row of ${operation}`);
      }
    }
  });

  test("is said of everybody, in each row", () => {
    assert.deepEqual(NAMES, Object.keys(ASKING));
    for (const { name, cells } of OPERATIONS) assert.equal(cells.length, NAMES.length, name);
  });
});
