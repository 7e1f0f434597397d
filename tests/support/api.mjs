// What tests of the token API have in common.

import assert from "node:assert/strict";

/** `Authorization` of a token. */
export const bearer = (token) => `Bearer ${token}`;

/** Options of a gate's `api` that let a token ask instead of the operator. */
export const by = (token, headers) => ({ auth: bearer(token), headers });

/**
 * Asserts that an answer of a gate's `api` is a refusal: problem details with this status, code and
 * field, kept by no cache. Answers the problem.
 */
export function assertProblem(answer, status, code, field) {
  const where = `${answer.status} ${JSON.stringify(answer.body)}`;
  assert.equal(answer.status, status, where);
  assert.equal(answer.headers.get("content-type"), "application/problem+json", where);
  assert.equal(answer.headers.get("cache-control"), "no-store", where);
  assert.equal(answer.body.status, status, where);
  assert.equal(answer.body.code, code, where);
  assert.equal(answer.body.field, field, where);
  return answer.body;
}

/** Asserts that a token opens the gate. */
export async function assertOpens(gate, token, headers) {
  const { status, text } = await knock(gate, token, headers);
  assert.equal(status, 200, text);
}

/** Asserts that a token does not open the gate, and why. */
export async function assertShut(gate, token, code, headers) {
  const { status, text } = await knock(gate, token, headers);
  assert.equal(status, 401, text);
  assert.equal(JSON.parse(text).code, code);
}

/** Presents a token where any PAT is good. */
export async function knock(gate, token, headers) {
  const url = `${gate.url}/echo/knock`;
  const answer = await fetch(url, { headers: { authorization: bearer(token), ...headers } });
  return { status: answer.status, text: await answer.text() };
}

/** The tokens of a list, page after page; `parameters` are the query's. */
export async function listAll(gate, parameters = {}, options) {
  const tokens = [];
  const query = new URLSearchParams(parameters);
  for (;;) {
    const answer = await gate.api("GET", `/tokens?${query}`, undefined, options);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    tokens.push(...answer.body.result);
    if (answer.body.next === null) return tokens;
    query.set("cursor", answer.body.next);
  }
}

/** Waits until `check` answers something, and answers that. */
export async function until(check, what, within = 10_000) {
  const deadline = performance.now() + within;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await pause(25);
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export const idsOf = (tokens) => tokens.map(({ id }) => id);
