// The audit trail in tests.

import assert from "node:assert/strict";
import { until } from "./api.mjs";
import { openWith } from "./embeds.mjs";

const AGENT = "audit-tests/1.0 (+https://example.com)";
const ADDRESS = "2001:db8::7";

/** Headers by which a request can be told in the trail. */
export const FROM = { "user-agent": AGENT, "cf-connecting-ip": ADDRESS };

const ID = /^[0-9A-Za-z]{4}-[0-9A-HJKMNP-TV-Z]{26}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const MEMBERS = [
  ...["id", "at", "action", "result", "actor", "user", "token", "session", "address", "userAgent"],
];

/** Asserts that an event says all this, and otherwise what most do. */
export function assertEvent(event, since, said) {
  assert.deepEqual(Object.keys(event), MEMBERS);
  const { id, at, ...rest } = event;
  assert.match(id, ID);
  assert.match(at, TIME);
  assert.ok(Date.parse(at) >= since && Date.parse(at) <= Date.now(), at);
  assert.deepEqual(rest, {
    ...{ result: "ok", actor: "operator", user: null, token: null, session: null },
    ...{ address: ADDRESS, userAgent: AGENT, ...said },
  });
}

/** What does things at a gate from a place that the trail can tell. */
export function actorAt(gate) {
  async function call(method, path, body, { auth, headers } = {}) {
    const answer = await gate.api(method, path, body, { auth, headers: { ...FROM, ...headers } });
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    return answer.body;
  }
  return {
    /** A call of the management API that has to succeed. */
    call,
    /** A new PAT of a user. */
    make: (user, fields) =>
      call("POST", "/tokens", { name: "x", scopes: ["tokens", "jobs:read"], user, ...fields }),
    /** A session by an embed token. */
    visit: (token) => openWith(gate, token, token.embedUrl, Object.entries(FROM)),
  };
}

/** All pages of the trail; `parameters` are the query's. */
export async function auditPages(gate, parameters = {}, options) {
  const pages = [];
  const query = new URLSearchParams(parameters);
  for (;;) {
    const { status, body } = await gate.api("GET", `/audit?${query}`, undefined, options);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(Object.keys(body), ["result", "next"]);
    pages.push(body.result);
    if (body.next === null) return pages;
    query.set("cursor", body.next);
  }
}

/** Events, the newest of each user first. */
export const auditOf = async (gate, parameters, options) =>
  (await auditPages(gate, { limit: 100, ...parameters }, options)).flat();

/** Events when there are some: gates tell of refusals beside the request. */
export const auditWhenThere = (gate, parameters) =>
  until(async () => {
    const events = await auditOf(gate, parameters);
    return events.length > 0 && events;
  }, JSON.stringify(parameters));
