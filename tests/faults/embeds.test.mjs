import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/api.mjs";
import {
  AS,
  assertIn,
  assertPage,
  enter,
  keysText,
  mint,
  newKey,
  newUser,
  open,
  openWith,
  placeOf,
  PORTAL,
  sealSession,
  sessionOf,
  startEmbedGate,
  Visit,
} from "../support/embeds.mjs";
import { startObjects } from "../support/stand-ins.mjs";
import { digestOf, hintOf, keyOf, makeRecord, makeToken } from "../support/tokens.mjs";

const SECOND = 1000;
// The gate decides within 10 s.
const TIMEOUT = 13 * SECOND;
const CONCURRENT = { concurrency: 30, timeout: 60 * SECOND };
const WORKSPACES = Array.from({ length: 12 }, (_, i) => `w${i}`);
const key = newKey();

let ledger;
let directory;
let gate;
const records = new Map(); // digest → what the ledger answers
const openings = new Map(); // object name → what the ledger answers to an entry
before(async () => {
  ledger = await startObjects(({ lookup }, name) =>
    lookup ? (records.get(lookup.digest) ?? { record: null }) : (openings.get(name) ?? "throws"),
  );
  directory = await startObjects(() => "throws");
  const vars = { SESSION_KEYS: keysText(key), WORKSPACES: ["default", ...WORKSPACES] };
  gate = await startEmbedGate({ ledger, directory, vars });
  gate.kv.values.set("w/default", JSON.stringify({ v: 1, rev: 1 }));
});
after(() => Promise.all([gate?.stop(), ledger?.stop(), directory?.stop()]));

/** A token that KV knows, with the URL of its entry and a session that it opened. */
function known(fields = {}) {
  const user = newUser();
  const workspace = fields.ws ?? "default";
  const token = makeToken({ kind: "pat_embed", hint: hintOf(workspace, user.id) });
  const record = makeRecord(token, { uid: user.id, ap: ["jobs"], or: [PORTAL], sm: 60, ...fields });
  gate.kv.values.set(keyOf(token), record);
  const shown = { token, user, workspace, apps: ["jobs"], label: "", sessionMinutes: 60 };
  const place = placeOf(workspace, user.id, "jobs");
  const url = `http://${place}.embed.test:${gate.port}/embed-apps/jobs?personal-access-token=${token}`;
  const cookie = `__Host-gp-${place}=${sealSession(sessionOf(shown), key)}`;
  return new Visit(gate, { token: shown, url, cookie });
}

const ledgerOf = ({ token: { user, workspace } }) => `l/${hintOf(workspace, user.id)}`;

let taken = 0;
const anyWorkspace = () => WORKSPACES[taken++];

const entering = (visit) => {
  const url = `${visit.origin}/embed-apps/jobs?personal-access-token=${visit.token.token}`;
  return enter(gate, url, { timeout: TIMEOUT });
};
const looking = (visit, as = AS.frame) => visit.ask("/public/hello", { as, timeout: TIMEOUT });

function assertUnavailable(answer, origins = [PORTAL]) {
  assertPage(answer, 503, "store_unavailable", origins);
}

describe("what fails keeps a place shut", CONCURRENT, () => {
  const faults = [
    ["throws", "throws"],
    ["hangs", "hangs"],
    ["answers nothing", () => ""],
    ["answers junk", () => "junk"],
    ["answers JSON that is nothing known", () => "{}"],
    ["answers another version", (json) => json.replace('"v":1', '"v":2')],
    ["answers an unknown field", (json) => json.replace("{", '{"admin":true,')],
    ["answers half", (json) => json.slice(0, -20)],
  ];
  const broken = (fault, json) => (typeof fault === "string" ? fault : () => fault(json));

  for (const [name, fault] of faults) {
    test(`KV ${name} for the record: no entry and no session, 503`, async () => {
      const visit = known();
      const value = gate.kv.values.get(keyOf(visit.token.token));
      gate.kv.faults.set(keyOf(visit.token.token), broken(fault, value));
      const [entry, page, script] = await Promise.all([
        entering(visit),
        looking(visit),
        looking(visit, AS.script),
      ]);
      assertUnavailable(entry, []);
      assertUnavailable(page, []);
      assert.equal(script.status, 503);
      assert.equal(script.json().code, "store_unavailable");
      assert.match(script.header("Retry-After"), /^\d+$/);
      gate.kv.faults.delete(keyOf(visit.token.token));
    });

    test(`KV ${name} for the settings: no session, 503`, async () => {
      const workspace = anyWorkspace();
      gate.kv.faults.set(`w/${workspace}`, broken(fault, JSON.stringify({ v: 1, rev: 1 })));
      const answer = await looking(known({ ws: workspace }));
      assert.equal(answer.status, 503, answer.text.slice(0, 200));
      assert.match(answer.text, /data-code="store_unavailable"/);
    });
  }

  test("KV knows no settings and the directory throws: no session and no entry, 503", async () => {
    const visit = known({ ws: anyWorkspace() });
    for (const answer of [await looking(visit), await entering(visit)]) {
      assert.equal(answer.status, 503);
      assert.match(answer.text, /data-code="store_unavailable"/);
    }
  });

  for (const [name, fields] of [
    ["with minutes that are no number", { sm: "60" }],
    ["without minutes", { sm: undefined }],
    ["with a kill list that is none", { kill: {} }],
    ["with a killed session that has no id", { kill: [["x", 1]] }],
    ["with a killed session that never ends", { kill: [["0000-01ARZ3NDEKTSV4RRFFQ69G5FAV"]] }],
    ["with a flag that is no flag", { su: "true" }],
    ["with origins that are no list", { or: PORTAL }],
    ["with idle minutes below zero", { im: -1 }],
  ]) {
    test(`a record ${name} opens nothing: 503`, async () => {
      const visit = known(fields);
      assertUnavailable(await entering(visit), []);
      assertUnavailable(await looking(visit), []);
    });
  }

  test("a ledger that cannot open a session lets nobody in: 503 to the token's origins", async () => {
    for (const reply of [
      "throws",
      500,
      404,
      "",
      "junk",
      "{}",
      { record: null },
      { record: "x" },
      "\u0000",
      "r0",
    ]) {
      const visit = known();
      openings.set(ledgerOf(visit), reply);
      const answer = await entering(visit);
      assert.equal(answer.status, 503, `${JSON.stringify(reply)} ${answer.text.slice(0, 200)}`);
      assert.match(answer.text, /data-code="store_unavailable"/);
      assert.equal(answer.header("Set-Cookie"), undefined);
      assert.equal(answer.header("Location"), undefined);
    }
  });

  test("nor does one that hangs", async () => {
    const visit = known();
    openings.set(ledgerOf(visit), "hangs");
    const answer = await entering(visit);
    assert.equal(answer.status, 503, answer.text.slice(0, 200));
    assert.equal(answer.header("Set-Cookie"), undefined);
  });

  test("a strict session needs its ledger with each request", async () => {
    const visit = known({ strict: true });
    const { token } = visit.token;
    const record = gate.kv.values.get(keyOf(token));
    for (const reply of ["throws", 500, "junk", "{}", { record: "{}" }, { record: 1 }]) {
      records.set(digestOf(token), reply);
      const answer = await looking(visit);
      assert.equal(answer.status, 503, `${JSON.stringify(reply)} ${answer.text.slice(0, 200)}`);
    }
    records.set(digestOf(token), { record });
    assert.equal((await looking(visit)).status, 200);
    records.set(digestOf(token), { record: record.replace('"st":"a"', '"st":"r"') });
    assertPage(await looking(visit), 401, "token_revoked");
    records.set(digestOf(token), { record: null });
    assert.equal((await looking(visit)).status, 401);
  });

  test("the record that KV has lost is asked of the ledger", async () => {
    const visit = known();
    const { token } = visit.token;
    const record = gate.kv.values.get(keyOf(token));
    gate.kv.values.delete(keyOf(token));
    records.set(digestOf(token), "throws");
    assert.equal((await looking(visit)).status, 503);
    records.set(digestOf(token), { record });
    assert.equal((await looking(visit)).status, 200);
  });

  test("KV cannot tell who may frame a place: the error page is for nobody, 503", async () => {
    const { place, origin } = known();
    gate.kv.faults.set(`p/${place}`, "throws");
    const answer = await enter(gate, `${origin}/`, { timeout: TIMEOUT });
    assertUnavailable(answer, []);
  });

  test("KV holds junk about who may frame a place: nobody is told", async () => {
    for (const value of [
      "junk",
      "{}",
      '{"app":"jobs","or":["*"]}',
      '{"app":"jobs","or":["https://evil.example/ https://x"]}',
      `{"app":"jobs","or":["https://a.example"],"x":1}`,
      '{"app":"jobs","or":"https://a.example"}',
      '{"app":"jobs","or":["\\"><script>"]}',
    ]) {
      const { place, origin } = known();
      gate.kv.values.set(`p/${place}`, value);
      assertPage(await enter(gate, `${origin}/`), 401, "session_ended", []);
    }
    const { place, origin } = known();
    gate.kv.values.set(`p/${place}`, '{"app":"jobs","or":["https://a.example"]}');
    assertPage(await enter(gate, `${origin}/`), 401, "session_ended", ["https://a.example"]);
  });
});

describe("with real ledgers", () => {
  let real;
  before(async () => (real = await startEmbedGate({ second: true })));
  after(() => real?.stop());

  test("KV that takes no writes stops no entry: the ledger knows", async () => {
    real.kv.putFault = "throws";
    const token = await mint(real, { singleUse: true });
    const visit = await openWith(real, token);
    await assertIn(visit);
    const port = real.ports.second;
    assertPage(await enter(real, token.embedUrl, { port }), 401, "token_used");
    assert.equal((await visit.ask("/public/hello", { port })).status, 200);
    real.kv.putFault = undefined;
    await until(() => real.kv.values.has(keyOf(token.token)), "the record in KV", 20_000);
    const place = `p/${visit.place}`;
    await until(() => real.kv.values.has(place), "the place in KV", 20_000);
    assert.deepEqual(JSON.parse(real.kv.values.get(place)), { app: "jobs", or: [PORTAL] });
  });

  test("what KV holds of a place is no secret, and who frames it by the latest token", async () => {
    const user = newUser();
    const visit = await open(real, { user });
    const place = `p/${visit.place}`;
    await until(() => real.kv.values.has(place), "the place in KV");
    const later = await open(real, { user, allowedOrigins: ["https://later.example"] });
    assert.equal(later.place, visit.place);
    await until(() => real.kv.values.get(place).includes("later"), "the later origins");
    const port = real.ports.second;
    const page = await later.ask("/", { as: AS.frame, cookie: null, port });
    assertPage(page, 401, "session_ended", ["https://later.example"]);
  });
});
