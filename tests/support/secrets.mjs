// The witness of secrets: a register of every secret that the tests of this process use, and the search
// for them, in any writing, in what comes out of a gate. secrecy.mjs says what shows one by design.

// The search is Wu and Manber's, for many texts at once: a window of so many bytes, and the block at
// its end, which says how far the window may move on.
const WINDOW = 16;
const BLOCK = 8;
const SLOT_BITS = 20;

const registered = new Set();
const steps = new Uint8Array(1 << SLOT_BITS).fill(WINDOW - BLOCK + 1);
/** What may begin where a window has no step left: `{kind, bytes}`, by the slot of its block. */
const candidates = new Map();
let findings = [];

/** What of a token lists do not show. */
const HIDDEN = /[0-9A-Za-z]{28}$/;

/**
 * Registers a secret under a name that may be told. What is shorter than 16 bytes tells nothing.
 *
 * @param {string} kind
 * @param {string | Uint8Array} secret
 */
export function keepSecret(kind, secret) {
  const bytes = Buffer.from(secret ?? "");
  const key = bytes.toString("latin1");
  if (bytes.length < WINDOW || registered.has(key)) return;
  registered.add(key);
  for (const writing of writingsOf(bytes)) addCandidate(kind, Buffer.from(writing, "latin1"));
}

/** Registers a token. Answers whether it was unknown. */
export function keepToken(token) {
  const before = registered.size;
  keepSecret("a token", HIDDEN.exec(token)?.[0]);
  return registered.size > before;
}

/** Registers a session or a sign-in by its cookie's value, of which the MAC is what nobody may know. */
export const keepSession = (value) => keepSecret("a session", value.split(".")[1]);

/** Registers a JWT by its signature. */
export const keepJwt = (jwt, kind = "a JWT") => keepSecret(kind, jwt.split(".")[2]);

/** Registers a private JWK, or the text of one. */
export function keepKey(kind, jwk) {
  for (const [, d] of JSON.stringify(jwk).matchAll(/\\?"d\\?":\\?"([\w-]+)/g)) {
    keepSecret(kind, d);
    keepSecret(kind, Buffer.from(d, "base64url"));
  }
}

/** Registers the secrets among a gate's variables. */
export function keepVariables({ ASSERTION_KEY, SESSION_KEYS, ...others }) {
  for (const name of ["OPERATOR_KEY", "METRICS_KEY", "UPSTREAM_AUTHORIZATION"])
    keepSecret(name, others[name]);
  keepKey("ASSERTION_KEY", ASSERTION_KEY ?? "");
  const lists = { SESSION_KEYS, NOTIFY_KEY: others.NOTIFY_KEY };
  for (const [name, list] of Object.entries(lists)) {
    for (const key of String(list ?? "").split(/[\s,]+/)) {
      const encoded = key.replace(/^.*[:_]/, "");
      keepSecret(name, encoded);
      keepSecret(name, Buffer.from(encoded, "base64"));
    }
  }
}

/** Every way in which a secret is written, as Latin-1. */
export function writingsOf(secret) {
  const bytes = Buffer.from(secret);
  const text = bytes.toString("latin1");
  const json = JSON.stringify(text).slice(1, -1);
  const hex = bytes.toString("hex");
  const cores = [0, 1, 2].map((shift) => base64Core(bytes, shift));
  return new Set([
    ...[text, hex, hex.toUpperCase()],
    ...cores,
    ...cores.map((core) => core.replaceAll("+", "-").replaceAll("/", "_")),
    // Big-endian, too, but for the first byte.
    Buffer.from(text, "utf16le").toString("latin1").slice(0, -1),
    ...[encodeURIComponent(text), json, json.replaceAll("/", "\\/")],
  ]);
}

/** What base64 makes of bytes at any offset in longer ones, without its uncertain ends. */
function base64Core(bytes, shift) {
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString("base64")
    .replace(/=+$/, "");
  return encoded.slice(shift === 0 ? 0 : 4, -4);
}

function addCandidate(kind, bytes) {
  for (let at = 0; at <= WINDOW - BLOCK; at++) {
    const slot = slotOf(bytes, at);
    steps[slot] = Math.min(steps[slot], WINDOW - BLOCK - at);
  }
  const slot = slotOf(bytes, WINDOW - BLOCK);
  if (!candidates.has(slot)) candidates.set(slot, []);
  candidates.get(slot).push({ kind, bytes });
}

function slotOf(bytes, at) {
  const hash =
    Math.imul(wordAt(bytes, at), 0x9e3779b1) ^ Math.imul(wordAt(bytes, at + 4), 0x85ebca6b);
  return hash >>> (32 - SLOT_BITS);
}

const wordAt = (bytes, at) =>
  bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);

/** The kinds of the secrets that stand in a text or in bytes. */
export function secretsIn(content) {
  const bytes = Buffer.from(content);
  const found = new Set();
  let at = 0;
  while (at + WINDOW <= bytes.length) {
    const slot = slotOf(bytes, at + WINDOW - BLOCK);
    const step = steps[slot];
    if (step === 0) for (const kind of beginningAt(bytes, at, slot)) found.add(kind);
    at += step || 1;
  }
  return found;
}

function beginningAt(content, at, slot) {
  const is = ({ bytes }) =>
    at + bytes.length <= content.length && bytes.compare(content, at, at + bytes.length) === 0;
  return candidates
    .get(slot)
    .filter(is)
    .map(({ kind }) => kind);
}

/** Notes each secret that stands where none may, but for the kinds that may. */
export function mustHoldNone(content, where, mayHold = []) {
  for (const kind of secretsIn(content)) {
    if (!mayHold.includes(kind)) noteFinding(`${kind} stands in ${where}`);
  }
}

/** Notes what must not be, without the text of a secret. */
export function noteFinding(finding) {
  findings.push(finding);
}

/** What was found since this was last asked. */
export function takeFindings() {
  const taken = new Set(findings);
  findings = [];
  return [...taken];
}

/** Throws if anything was found. */
export function assertNoFindings() {
  const found = takeFindings();
  if (found.length > 0) throw new Error(`Secrets where none may be:\n${found.join("\n")}`);
}

// Whatever comes after the last gate was stopped.
process.once("exit", () => {
  const found = takeFindings();
  if (found.length === 0) return;
  console.error(`Secrets where none may be:\n${found.join("\n")}`);
  process.exitCode = 1;
});
