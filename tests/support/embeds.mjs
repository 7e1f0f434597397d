// What tests of embeds have in common: tokens, entries as a browser's frame makes them, and sessions
// written by the format that src/session.rs documents, with no code of Gatepass's own.

import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { startRawGate } from "./gate.mjs";
import { rawRequest } from "./raw.mjs";
import { keepSession } from "./secrets.mjs";
import { digestOf, hintOf, seconds } from "./tokens.mjs";

/** The host page of these tests. */
export const PORTAL = "https://portal.example";

export const JOBS = { id: "jobs", name: "Jobs" };

/** Each way in which a deployment can place embeds, by name: its `EMBED_HOST`. */
export const MODES = {
  "host places": "*.embed.test",
  "path places": undefined,
  "path places on a host of their own": "embed.test",
};

/** A key for `SESSION_KEYS` that a test can sign with. */
export const newKey = (id = "k1") => ({ id, secret: randomBytes(32) });

/** The text of `SESSION_KEYS`. */
export const keysText = (...keys) =>
  keys.map(({ id, secret }) => `${id}:${secret.toString("base64")}`).join(",");

/** A browser's fetch metadata, as headers. */
export const metadata = (dest, mode, site) => [
  ["Sec-Fetch-Dest", dest],
  ["Sec-Fetch-Mode", mode],
  ["Sec-Fetch-Site", site],
];

/** What a browser says of each kind of request. */
export const AS = {
  frame: metadata("iframe", "navigate", "cross-site"),
  tab: metadata("document", "navigate", "none"),
  script: metadata("empty", "cors", "same-origin"),
};

/** A gate with the app `jobs`; `options` are those of `startRawGate`. */
export function startEmbedGate({ vars, ...options } = {}) {
  return startRawGate({ ...options, vars: { EMBED_HOST: "*.embed.test", APPS: [JOBS], ...vars } });
}

let users = 0;
/** A user that no other test of this process has. */
export function newUser() {
  const id = `viewer-${++users}`;
  return { id, email: `${id}@example.com` };
}

/** A new embed token: what the API answers. */
export async function mint(gate, fields = {}) {
  const body = { name: "an embed", kind: "embed", user: newUser(), ...fields };
  if (!("app" in body || "apps" in body)) body.app = "jobs";
  const answer = await gate.api("POST", "/tokens", { allowedOrigins: [PORTAL], ...body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
}

/** A request to a URL, whatever its host; `options` are those of `rawRequest`. */
export function send(gate, url, { headers = [], ...options } = {}) {
  const { host, pathname, search } = new URL(url);
  const target = pathname + search;
  return rawRequest({ port: gate.port, target, ...options, headers: [["Host", host], ...headers] });
}

/** Opens an embed URL as a frame does, or as `as` says. */
export const enter = (gate, url, { as = AS.frame, headers = [], ...options } = {}) =>
  send(gate, url, { headers: [...as, ...headers], ...options });

/** Enters with a new token: a place with its session. */
export async function open(gate, fields) {
  return openWith(gate, await mint(gate, fields));
}

/** Enters with a token. */
export async function openWith(gate, token, url = token.embedUrl, headers) {
  const entry = await enter(gate, url, { headers });
  assert.equal(entry.status, 303, `${entry.text}\n${gate.output().slice(-1000)}`);
  const [cookie] = entry.header("Set-Cookie").split(";");
  return new Visit(gate, { token, url, cookie });
}

/** A viewer in a place. */
export class Visit {
  constructor(gate, { token, url, cookie }) {
    const { origin, host, pathname } = new URL(url);
    const [name, value] = cookie.split("=");
    this.place = name.slice("__Host-gp-".length);
    const isHost = host.startsWith(this.place);
    this.prefix = isHost ? "" : `${pathname}/~${this.place}`;
    Object.assign(this, { gate, token, url, origin, host, cookie, name, value });
  }

  /**
   * A request in the place, byte for byte, by a script of the app unless `as` says otherwise.
   * `cookie` is the whole header; null sends none.
   */
  ask(path, { as = AS.script, cookie = this.cookie, headers = [], ...options } = {}) {
    const own = [["Host", this.host], ...as, ...(cookie === null ? [] : [["Cookie", cookie]])];
    const target = this.prefix + path;
    return rawRequest({ port: this.gate.port, target, ...options, headers: [...own, ...headers] });
  }

  /** The same on Gatepass's own paths, which have no prefix. */
  own(path, options) {
    return this.ask("", { target: path, ...options });
  }

  /** What the upstream's /echo says that it got. */
  async echo(options, path = "/echo/x") {
    const answer = await this.ask(path, options);
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  }

  /** The session of this visit, as its cookie has it. */
  session() {
    return readSession(this.value);
  }

  /** The same visit with another session, sealed with a key. */
  withSession(fields, key) {
    const value = sealSession({ ...this.session(), kid: key.id, ...fields }, key);
    const { gate, token, origin, prefix } = this;
    const url = origin + prefix.slice(0, prefix.indexOf("/~"));
    return new Visit(gate, { token, url, cookie: `${this.name}=${value}` });
  }
}

/** The name of a place, as design.md has it. */
export function placeOf(workspace, uid, app, label = "") {
  const hash = createHash("sha256").update([workspace, uid, app, label].join("\0")).digest();
  return toBase32(hash.subarray(0, 10));
}

/** The seconds of `Max-Age` in a `Set-Cookie`. */
export const maxAge = (setCookie) => Number(/; Max-Age=(\d+)/.exec(setCookie)?.[1]);

/** Asserts that a viewer still sees the app. */
export async function assertIn(visit, options) {
  const answer = await visit.ask("/public/hello", options);
  assert.equal(answer.status, 200, answer.text);
}

/** Asserts that a viewer is out, and what a script and a person are told. */
export async function assertOut(visit, status, code, origins = [PORTAL]) {
  const script = await visit.ask("/public/hello");
  assert.equal(script.status, status, script.text);
  assert.equal(script.header("Content-Type"), "application/problem+json");
  assert.equal(script.json().code, code);
  assertPage(await visit.ask("/", { as: AS.frame }), status, code, origins);
}

/**
 * Asserts that an answer is an error page for a person: this status and code, and only these
 * origins may frame it or are told the code.
 */
export function assertPage(answer, status, code, origins = [PORTAL]) {
  const where = `${answer.status} ${answer.text.slice(0, 200)}`;
  assert.equal(answer.status, status, where);
  assert.equal(answer.header("Content-Type"), "text/html; charset=utf-8", where);
  const html = /^<!doctype html><html lang="en" data-code="(.*?)" data-origins="(.*?)">/;
  const [, saidCode, saidOrigins] = html.exec(answer.text) ?? [];
  assert.equal(saidCode, code, where);
  assert.equal(saidOrigins, origins.join(" "), where);
  assertFramedBy(answer, origins);
  assert.match(answer.header("Content-Security-Policy"), /^default-src 'none'; /);
  assert.deepEqual(answer.headerAll("Cache-Control"), ["no-store"]);
  assert.deepEqual(answer.headerAll("Referrer-Policy"), ["no-referrer"]);
  assert.deepEqual(answer.headerAll("X-Content-Type-Options"), ["nosniff"]);
  assert.deepEqual(answer.headerAll("Cross-Origin-Resource-Policy"), ["cross-origin"]);
  assert.deepEqual(answer.headerAll("Set-Cookie"), []);
  assert.deepEqual(answer.headerAll("Location"), []);
  // RFC 7617: Basic would make the browser ask for a password.
  const challenges = status === 401 ? ['Bearer realm="Gatepass"'] : [];
  assert.deepEqual(answer.headerAll("WWW-Authenticate"), challenges);
  if (status === 429 || status === 503) assert.match(answer.header("Retry-After"), /^\d+$/);
}

/** Asserts who may frame an answer: the place itself and these origins. */
export function assertFramedBy(answer, origins) {
  const directives = answer
    .headerAll("Content-Security-Policy")
    .flatMap((policy) => policy.split(/[;,]/))
    .map((directive) => directive.trim())
    .filter((directive) => /^frame-ancestors\b/i.test(directive));
  assert.deepEqual(directives, [["frame-ancestors 'self'", ...origins].join(" ")]);
  assert.deepEqual(answer.headerAll("X-Frame-Options"), []);
}

/**
 * A session as a cookie's value. `fields` are `version`, `purpose`, `kid`, `id`, `workspace`, `uid`,
 * `app`, `place`, `digest` (hex), `issued` and `expires`; the key signs, under its own id unless
 * `kid` says otherwise. `parts` changes the list of bytes before it is signed.
 */
export function sealSession(fields, key, parts = (all) => all) {
  const { version = 1, purpose = "embed", kid = key.id, id, workspace, uid, app, place } = fields;
  const { digest, issued, expires } = fields;
  const all = parts([
    ...[Buffer.from([version]), Buffer.from(purpose), Buffer.from(kid), idBytes(id)],
    ...[workspace, uid, app].map((text) => Buffer.from(text)),
    ...[fromBase32(place), Buffer.from(digest, "hex"), bigEndian(issued), bigEndian(expires)],
  ]);
  const packed = Buffer.concat(all.flatMap((part) => [Buffer.from([part.length]), part]));
  return signSession(packed.toString("base64url"), key);
}

/** A cookie's value from encoded fields. */
export function signSession(encoded, { secret }) {
  const mac = createHmac("sha256", secret).update(encoded).digest("base64url");
  keepSession(`${encoded}.${mac}`);
  return `${encoded}.${mac}`;
}

/** The fields of a session, in the shape that `sealSession` takes; the MAC is not looked at. */
export function readSession(value) {
  let rest = Buffer.from(value.split(".")[0], "base64url");
  const parts = [];
  while (rest.length > 0) {
    parts.push(rest.subarray(1, 1 + rest[0]));
    rest = rest.subarray(1 + rest[0]);
  }
  const [version, purpose, kid, id, workspace, uid, app, place, digest, issued, expires] = parts;
  assert.equal(parts.length, 11);
  return {
    ...{ version: version[0], purpose: `${purpose}`, kid: `${kid}`, id: idText(id) },
    ...{ workspace: `${workspace}`, uid: `${uid}`, app: `${app}`, place: toBase32(place) },
    ...{ digest: digest.toString("hex"), issued: Number(issued.readBigUInt64BE()) },
    expires: Number(expires.readBigUInt64BE()),
  };
}

/** A session id made so many seconds ago. */
export function sessionId(uid, ago = 0, workspace = "default") {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds(-ago)) * 1000n);
  const ulid = Buffer.concat([time.subarray(2), randomBytes(10)]);
  return idText(Buffer.concat([Buffer.from(hintOf(workspace, uid)), ulid]));
}

/** The fields of a session that a token could have opened so many seconds ago. */
export function sessionOf({ token, user, workspace, apps: [app], label, sessionMinutes }, ago = 0) {
  return {
    ...{ id: sessionId(user.id, ago, workspace), workspace, uid: user.id, app },
    ...{ place: placeOf(workspace, user.id, app, label), digest: digestOf(token) },
    ...{ issued: seconds(-ago), expires: seconds(sessionMinutes * 60 - ago) },
  };
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

function idBytes(text) {
  let number = 0n;
  for (const digit of text.slice(5)) number = number * 32n + BigInt(CROCKFORD.indexOf(digit));
  const ulid = Buffer.from(number.toString(16).padStart(32, "0"), "hex");
  return Buffer.concat([Buffer.from(text.slice(0, 4)), ulid]);
}

function idText(bytes) {
  let number = BigInt(`0x${bytes.subarray(4).toString("hex")}`);
  let ulid = "";
  for (let i = 0; i < 26; i++) {
    ulid = CROCKFORD[Number(number % 32n)] + ulid;
    number /= 32n;
  }
  return `${bytes.subarray(0, 4)}-${ulid}`;
}

function toBase32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.replace(/.{5}/g, (five) => BASE32[parseInt(five, 2)]);
}

function fromBase32(text) {
  const bits = [...text].map((digit) => BASE32.indexOf(digit).toString(2).padStart(5, "0"));
  return Buffer.from(
    bits
      .join("")
      .match(/.{8}/g)
      .map((byte) => parseInt(byte, 2)),
  );
}

function bigEndian(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}
