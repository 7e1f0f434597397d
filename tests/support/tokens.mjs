// Tokens and their records as a test writes them, for states that the API takes long to bring about
// or never does: expired, malformed, of another kind.

import { createHash, randomBytes, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";
import { keepToken } from "./secrets.mjs";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A well-formed token that nobody has issued; `kind` is `pat` or `pat_embed`. */
export function makeToken({ kind = "pat", hint = letters(4) } = {}) {
  const body = hint + letters(26);
  const token = `${kind}_${body}${checksum(body)}`;
  keepToken(token);
  return token;
}

/** The six characters at the end of a token. */
export function checksum(body) {
  let rest = crc32(body);
  let text = "";
  for (let i = 0; i < 6; i++) {
    text = ALPHABET[rest % 62] + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** The four characters that name a user's ledger. */
export function hintOf(workspace, uid) {
  const hash = createHash("sha256").update(`gatepass-hint-1\0${workspace}\0${uid}`).digest("hex");
  let rest = BigInt(`0x${hash}`);
  let text = "";
  for (let i = 0; i < 43; i++) {
    text = ALPHABET[Number(rest % 62n)] + text;
    rest /= 62n;
  }
  return text.slice(0, 4);
}

/** What the stores know a token by. */
export const digestOf = (token) => createHash("sha256").update(token).digest("hex");

/** The key of a token's record in KV. */
export const keyOf = (token) => `t/${digestOf(token)}`;

/** A record as KV holds it: an active PAT without scopes, unless `fields` say otherwise. */
export function makeRecord(token, fields = {}) {
  const hint = token.slice(token.lastIndexOf("_") + 1).slice(0, 4);
  return JSON.stringify({
    v: 1,
    rev: 1,
    id: `${hint}-${ulid()}`,
    ws: "default",
    uid: "ada",
    em: "ada@example.com",
    k: token.startsWith("pat_embed_") ? "e" : "p",
    n: "a test's",
    st: "a",
    c: seconds(),
    ...fields,
  });
}

/** Unix seconds now, or so many from now. */
export const seconds = (from = 0) => Math.floor(Date.now() / 1000) + from;

/** `Authorization` of Basic credentials. */
export const basic = (user, password) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

function letters(count) {
  return Array.from({ length: count }, () => ALPHABET[randomInt(62)]).join("");
}

function ulid() {
  const time = Date.now().toString(2).padStart(50, "0").match(/.{5}/g);
  const digits = time.map((bits) => CROCKFORD[parseInt(bits, 2)]);
  return digits.join("") + [...randomBytes(16)].map((byte) => CROCKFORD[byte % 32]).join("");
}
