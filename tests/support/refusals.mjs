// What every refusal of the gate has in common.

import assert from "node:assert/strict";

export const BEARER = 'Bearer realm="Gatepass"';
export const INVALID_TOKEN = `${BEARER}, error="invalid_token"`;
export const INVALID_REQUEST = `${BEARER}, error="invalid_request"`;
export const BASIC = 'Basic realm="Gatepass", charset="UTF-8"';

/**
 * Asserts that an answer of `rawRequest` is a refusal: RFC 9457 problem details with this status and
 * code, exactly these challenges, and what OWASP ASVS 3.4 and 14.3.2 want on every answer. Answers
 * the problem.
 */
export function assertRefused(answer, status, code, challenges = []) {
  const where = `${answer.status} ${answer.text}`;
  assert.equal(answer.status, status, where);
  assert.equal(answer.header("Content-Type"), "application/problem+json", where);
  const problem = answer.json();
  assert.equal(problem.status, status, where);
  assert.equal(problem.code, code, where);
  assert.equal(answer.header("Cache-Control"), "no-store", where);
  assert.equal(answer.header("X-Content-Type-Options"), "nosniff", where);
  assert.equal(answer.header("Referrer-Policy"), "no-referrer", where);
  assert.match(answer.header("Content-Security-Policy") ?? "", /frame-ancestors 'none'/, where);
  assert.equal(answer.headerAll("WWW-Authenticate").join(", "), challenges.join(", "), where);
  if (status === 429 || status === 503) {
    assert.match(answer.header("Retry-After"), /^\d+$/);
    assert.ok(Number(answer.header("Retry-After")) <= 120);
  }
  return problem;
}

/** What of an answer must be equal where two answers may not be told apart. */
export function visible({ status, headers, text }) {
  return { status, text, headers: headers.filter(([name]) => name.toLowerCase() !== "date") };
}
