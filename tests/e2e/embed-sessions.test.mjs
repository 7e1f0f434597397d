import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AS,
  assertIn,
  assertPage,
  enter,
  keysText,
  mint,
  MODES,
  newKey,
  newUser,
  open,
  readSession,
  sealSession,
  sessionId,
  signSession,
  startEmbedGate,
} from "../support/embeds.mjs";
import { digestOf, hintOf, makeToken, seconds } from "../support/tokens.mjs";

const [newest, kept, dropped] = [newKey("k3"), newKey("k2"), newKey("k1")];
const stranger = newKey("k3");

let gate;
before(async () => {
  gate = await startEmbedGate({ vars: { SESSION_KEYS: keysText(newest, kept) } });
});
after(() => gate?.stop());

/** Asserts that a cookie opens nothing: a script is told so, and a person. */
async function assertShut(visit, cookie = visit.cookie) {
  const answer = await visit.ask("/public/hello", { cookie });
  assert.equal(answer.status, 401, answer.text.slice(0, 200));
  assert.equal(answer.json().code, "session_ended");
  assert.equal(answer.header("Content-Type"), "application/problem+json");
  assert.equal(answer.header("WWW-Authenticate"), 'Bearer realm="Gatepass"');
  assertPage(await visit.ask("/", { as: AS.frame, cookie }), 401, "session_ended");
}

describe("a session is what src/session.rs documents", () => {
  test("field by field", async () => {
    const label = "unten";
    const visit = await open(gate, { label, sessionMinutes: 30 });
    const { user, token } = visit.token;
    const session = visit.session();
    const now = seconds();
    const { id, issued, expires, ...rest } = session;
    assert.deepEqual(rest, {
      ...{ version: 1, purpose: "embed", kid: "k3", workspace: "default", uid: user.id },
      ...{ app: "jobs", place: visit.place, digest: digestOf(token) },
    });
    assert.match(id, /^[0-9A-Za-z]{4}-[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.equal(id.slice(0, 4), hintOf("default", user.id));
    assert.ok(Math.abs(issued - now) <= 2);
    assert.equal(expires, issued + 1800);
    assert.equal(sealSession(session, newest), visit.value);
    const listed = await gate.api("GET", `/sessions?user=${user.id}`);
    assert.equal(listed.body.result[0].id, id);
  });

  test("of 400 bytes at most, for the longest names that an embed is made for", async () => {
    const workspace = "default";
    const app = "jobs";
    const longest = 156 - workspace.length - app.length;
    // An id has at most 128 characters; some of 2 bytes make it longer.
    const id = "ä".repeat(longest - 128) + "a".repeat(256 - longest);
    assert.equal(Buffer.byteLength(id), longest);
    const visit = await open(gate, { user: { id } });
    assert.ok(visit.value.length <= 400, `${visit.value.length}`);
    await assertIn(visit);
    const wider = { name: "x", kind: "embed", app, user: { id: id.replace("a", "ä") } };
    const answer = await gate.api("POST", "/tokens", wider);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.equal(answer.body.field, "user");
  });

  test("holds no token and nothing that could be presented as one", async () => {
    const visit = await open(gate);
    const bytes = Buffer.from(visit.value.split(".")[0], "base64url").toString("latin1");
    assert.ok(!bytes.includes(visit.token.token.slice(14)));
    assert.doesNotMatch(bytes, /pat_/);
  });

  test("and one that is made by that description opens the place", async () => {
    const visit = await open(gate);
    const { user } = visit.token;
    await assertIn(visit.withSession({}, newest));
    await assertIn(visit.withSession({ id: sessionId(user.id) }, newest));
    await assertIn(visit.withSession({ issued: seconds(-60), expires: seconds(1) }, newest));
  });
});

describe("no place is opened by", () => {
  let visit;
  before(async () => (visit = await open(gate)));

  test("no cookie, an empty one, or one without a MAC", async () => {
    const { name, value } = visit;
    const [fields, mac] = value.split(".");
    await assertShut(visit, null);
    for (const other of ["", ".", fields, `${fields}.`, `.${mac}`, `${mac}.${fields}`]) {
      await assertShut(visit, `${name}=${other}`);
    }
  });

  test("a cookie with one character changed, wherever", async () => {
    const { name, value } = visit;
    const other = (char) => (char === "A" ? "B" : "A");
    for (let at = 0; at < value.length; at += 7) {
      const changed = value.slice(0, at) + other(value[at]) + value.slice(at + 1);
      const answer = await visit.ask("/public/hello", { cookie: `${name}=${changed}` });
      assert.equal(answer.status, 401, `at ${at}`);
    }
  });

  test("a truncated cookie, or one with more behind it", async () => {
    const { name, value } = visit;
    for (const length of [1, 10, 100, value.length - 43, value.length - 1]) {
      await assertShut(visit, `${name}=${value.slice(0, length)}`);
    }
    const [fields, mac] = value.split(".");
    const padded = [`${value}=`, `${value}.`, `${value}A`, `${fields}A.${mac}`, `${value}.${mac}`];
    for (const longer of [...padded, `"${value}"`, value.padEnd(401, "A"), value.repeat(30)]) {
      await assertShut(visit, `${name}=${longer}`);
    }
  });

  test("the same fields signed with another key, under whatever key id", async () => {
    for (const key of [stranger, { ...stranger, id: "k2" }, { ...stranger, id: "none" }]) {
      await assertShut(visit.withSession({}, key));
    }
    const empty = { id: "k3", secret: Buffer.alloc(0) };
    await assertShut(visit.withSession({}, empty));
    const [fields] = visit.value.split(".");
    await assertShut(visit, `${visit.name}=${signSession(fields, stranger)}`);
  });

  test("a session of another place, user, app, workspace or token, though it is signed", async () => {
    const user = newUser();
    const other = await open(gate, { user });
    const theirs = other.session();
    for (const fields of [
      { place: theirs.place },
      { uid: theirs.uid },
      { app: "reports" },
      { workspace: "other" },
      { digest: digestOf(makeToken({ kind: "pat_embed" })) },
      { digest: theirs.digest },
      { uid: theirs.uid, digest: theirs.digest },
      { ...theirs, place: visit.place },
      { ...theirs, app: "reports" },
    ]) {
      const forged = visit.withSession(fields, newest);
      const answer = await forged.ask("/public/hello");
      assert.equal(answer.status, 401, JSON.stringify(fields));
      assert.ok(["session_ended", "token_unknown"].includes(answer.json().code));
    }
    await assertIn(other);
  });

  test("a session for another purpose, of another version or shape, though it is signed", async () => {
    const session = visit.session();
    const wide = Buffer.alloc(9);
    for (const [what, value] of [
      ["purpose manage", sealSession({ ...session, purpose: "manage" }, newest)],
      ["no purpose", sealSession({ ...session, purpose: "" }, newest)],
      ["purpose Embed", sealSession({ ...session, purpose: "Embed" }, newest)],
      ["version 2", sealSession({ ...session, version: 2 }, newest)],
      ["version 0", sealSession({ ...session, version: 0 }, newest)],
      ["another key's id", sealSession({ ...session, kid: "k2" }, newest)],
      ["one field less", sealSession(session, newest, (all) => all.slice(0, -1))],
      ["one field more", sealSession(session, newest, (all) => [...all, Buffer.from("x")])],
      ["an end of 9 bytes", sealSession(session, newest, (all) => [...all.slice(0, -1), wide])],
      ["no fields", signSession("", newest)],
      ["JSON", signSession(Buffer.from('{"place":"x"}').toString("base64url"), newest)],
      ["no base64url", signSession("a+b/", newest)],
    ]) {
      const answer = await visit.ask("/public/hello", { cookie: `${visit.name}=${value}` });
      assert.equal(answer.status, 401, what);
    }
    await assertIn(visit);
  });

  test("a session that has expired, to the second", async () => {
    await assertShut(visit.withSession({ expires: seconds() }, newest));
    await assertShut(visit.withSession({ expires: seconds(-1) }, newest));
    await assertShut(visit.withSession({ expires: 0 }, newest));
    await assertIn(visit.withSession({ expires: seconds(5) }, newest));
  });

  test("a cookie by another name, or another place's cookie under this one's name", async () => {
    const { name, value, place } = visit;
    const other = await open(gate);
    const upper = `__Host-gp-${place.toUpperCase()}`;
    for (const named of [other.name, `gp-${place}`, name.toLowerCase(), upper, `x${name}`]) {
      await assertShut(visit, `${named}=${value}`);
    }
    await assertShut(visit, other.cookie);
    await assertShut(visit, `${name}=${other.value}`);
  });

  test("the session anywhere but in the cookie", async () => {
    for (const header of [
      ["Authorization", `Bearer ${visit.value}`],
      ["X-API-Key", visit.value],
      [visit.name, visit.value],
    ]) {
      const answer = await visit.ask(`/public/hello?${visit.cookie}`, {
        cookie: null,
        headers: [header],
      });
      assert.equal(answer.json().code, "session_ended");
    }
  });
});

describe("key rotation", () => {
  test("a session under the kept key goes on, and one under a dropped key has ended", async () => {
    const visit = await open(gate);
    await assertIn(visit.withSession({}, kept));
    await assertShut(visit.withSession({}, dropped));
  });

  test("the newest key signs what is made", async () => {
    const visit = await open(gate);
    assert.equal(visit.session().kid, "k3");
    const idle = await open(gate, { idleMinutes: 4 });
    const old = idle.withSession({ issued: seconds(-120), expires: seconds(60) }, kept);
    const [renewed] = (await old.ask("/public/hello")).headerAll("Set-Cookie");
    assert.equal(readSession(renewed.split(/[=;]/)[1]).kid, "k3");
  });
});

describe("two cookies of one name", () => {
  test("the newest good one counts, wherever it stands", async () => {
    const visit = await open(gate);
    const junk = `${visit.name}=junk`;
    const expired = visit.withSession({ expires: seconds(-1) }, newest).cookie;
    for (const cookie of [
      `${junk}; ${visit.cookie}`,
      `${visit.cookie}; ${junk}`,
      `${expired}; ${visit.cookie}; a=b`,
      `${visit.cookie};${expired}`,
    ]) {
      await assertIn(visit, { cookie });
    }
    await assertShut(visit, `${junk}; ${expired}`);
    const both = { cookie: `${visit.cookie}; ${junk}` };
    assert.equal((await visit.echo(both)).headers.cookie, undefined);
  });

  test("what stands behind a comma in another cookie's value is none", async () => {
    const visit = await open(gate);
    const { cookie } = visit;
    for (const other of [`a=1, ${cookie}`, `a=1,${cookie}`, `a="; ${cookie}"`, `${cookie}, a=1`]) {
      await assertShut(visit, other);
    }
    await assertIn(visit, { cookie: `a=1,2; ${cookie}; b=3,4` });
    // Nor does it reach the upstream.
    const { headers } = await visit.echo({ cookie: `a=1, ${cookie}; ${cookie}` });
    assert.equal(headers.cookie, "a=1");
  });

  test("a hundred of them are no way to make the gate work, nor to get in by chance", async () => {
    const visit = await open(gate);
    const many = Array.from({ length: 100 }, (_, i) => `${visit.name}=${i}${visit.value.slice(1)}`);
    await assertShut(visit, many.join("; "));
  });
});

describe("in path places one browser keeps 16 of them", () => {
  let path;
  before(async () => {
    const vars = { EMBED_HOST: MODES["path places"], SESSION_KEYS: keysText(newest) };
    path = await startEmbedGate({ vars });
  });
  after(() => path?.stop());

  /** What an entry makes of the cookies that a browser has: those that it forgets. */
  async function forgotten(cookies) {
    const { embedUrl } = await mint(path);
    const entry = await enter(path, embedUrl, { headers: [["Cookie", cookies.join("; ")]] });
    assert.equal(entry.status, 303, entry.text.slice(0, 200));
    const [own, ...rest] = entry.headerAll("Set-Cookie");
    assert.match(own, /Max-Age=3600$/);
    const gone =
      /^(__Host-gp-[a-z2-7]{16})=; Path=\/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=0$/;
    return rest.map((line) => gone.exec(line)?.[1] ?? line);
  }

  test("so the 17th entry expires the oldest, by when it was made and not by its name", async () => {
    const visits = [];
    for (let i = 0; i < 16; i++) {
      const visit = await open(path);
      visits.push(visit.withSession({ issued: seconds(10 * ((i * 7 + 5) % 16) - 1000) }, newest));
    }
    const oldest = visits.find((visit, i) => (i * 7 + 5) % 16 === 0);
    const cookies = visits.map(({ cookie }) => cookie);
    assert.deepEqual(await forgotten(cookies), [oldest.name]);
    const fifteen = cookies.slice(1);
    assert.deepEqual(await forgotten(fifteen), []);
    assert.deepEqual(await forgotten(["a=1", ...fifteen, "gp-x=2"]), []);
  });

  test("and what is no session goes first", async () => {
    const visits = [];
    for (let i = 0; i < 14; i++) visits.push(await open(path));
    const junk = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"].map((place) => `__Host-gp-${place}=x`);
    const cookies = [...visits.map(({ cookie }) => cookie), ...junk];
    const [name, ...others] = await forgotten(cookies);
    assert.match(name, /^__Host-gp-(a{16}|b{16})$/);
    assert.deepEqual(others, []);
  });

  test("while the place that is entered again takes no further room", async () => {
    const visits = [];
    for (let i = 0; i < 16; i++) visits.push(await open(path));
    const cookie = visits.map(({ cookie }) => cookie).join("; ");
    const again = await enter(path, visits[3].token.embedUrl, { headers: [["Cookie", cookie]] });
    assert.equal(again.headerAll("Set-Cookie").length, 1);
    assert.ok(again.header("Set-Cookie").startsWith(`${visits[3].name}=`));
  });
});
