// Parsers of other makers: an answer of the gate that they read is well-formed beyond the gate's own
// opinion. Each takes an answer of `rawRequest`.

import assert from "node:assert/strict";
import { format, parse as parseMediaType } from "content-type";
import { customFetch, protectedResourceRequest, WWWAuthenticateChallengeError } from "oauth4webapi";
import { parseSetCookie } from "set-cookie-parser";

const DAY = 86_400;
const SOMEWHERE = new URL("https://gate.example/");

/**
 * The challenges (RFC 9110 §11.6.1) as an OAuth client reads them: scheme → parameters. Asserts that
 * it read all there is, no scheme and no parameter twice.
 */
export async function challengesOf({ status, headers, headerAll }) {
  const options = { [customFetch]: async () => new Response(null, { status, headers }) };
  const challenges = await protectedResourceRequest(
    "-",
    "GET",
    SOMEWHERE,
    null,
    null,
    options,
  ).then(
    () => [],
    (error) => {
      if (error instanceof WWWAuthenticateChallengeError) return error.cause;
      throw error;
    },
  );
  const written = challenges.map(({ scheme, parameters }) => {
    const pairs = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
    return `${scheme} ${pairs.join(", ")}`;
  });
  const field = headerAll("WWW-Authenticate").join(", ");
  assert.equal(written.join(", ").toLowerCase(), field.toLowerCase());
  const byScheme = challenges.map(({ scheme, parameters }) => [scheme, parameters]);
  assert.equal(new Set(byScheme.map(([scheme]) => scheme)).size, byScheme.length, field);
  return Object.fromEntries(byScheme);
}

/**
 * The cookies that an answer sets. Asserts what RFC 6265bis wants of a server (§4.1.1), within the
 * bounds that browsers have (§5.6), and that a partitioned one is secure (CHIPS).
 */
export function cookiesOf(answer) {
  const lines = answer.headerAll("Set-Cookie");
  const cookies = parseSetCookie(lines, { decodeValues: false });
  assert.equal(cookies.length, lines.length, "a cookie that browsers ignore");
  const names = cookies.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, `one name twice: ${names}`);
  for (const [at, { name, value, maxAge, expires, partitioned, secure }] of cookies.entries()) {
    const [, ...attributes] = lines[at].split(";").map((part) => part.trim());
    assert.ok(Buffer.byteLength(name + value) <= 4096, `${name} has over 4096 octets`);
    for (const attribute of attributes) assert.ok(Buffer.byteLength(attribute) <= 1024, lines[at]);
    const kinds = attributes.map((attribute) => attribute.split("=")[0].toLowerCase());
    assert.equal(new Set(kinds).size, kinds.length, `an attribute twice: ${lines[at]}`);
    assert.ok((maxAge ?? 0) <= 400 * DAY, lines[at]);
    assert.ok((expires ?? 0) <= Date.now() + 400 * DAY * 1000, lines[at]);
    assert.ok(secure || !partitioned, lines[at]);
  }
  return cookies;
}

/** The media type (RFC 9110 §8.3.1), without its parameters. Asserts that all of it was read. */
export function mediaTypeOf(answer) {
  const field = answer.header("Content-Type");
  const { type, parameters } = parseMediaType(field);
  assert.equal(format({ type, parameters }), field);
  return type;
}
