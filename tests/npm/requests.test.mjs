// What the gate takes for a request, of the package as it was built.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createGate } from "../../npm/dist/index.js";

const URL = "https://app.example.com/api/v1/jobs";

const values = new Map();
const gate = createGate({
  store: {
    get: (key) => values.get(key) ?? null,
    put: (key, value) => void values.set(key, value),
    list: () => ({ keys: [], cursor: null }),
  },
});
const { token } = await gate.tokens.create({ name: "a client", user: { id: "ada" } });
const authorization = `Bearer ${token}`;

describe("a request is any standard Request, or its like", () => {
  for (const [what, headers] of [
    ["Headers", new Headers({ authorization, "Gatepass-User": "eve", accept: "*/*" })],
    ["a Map", new Map(Object.entries({ authorization, "gatepass-user": "eve", accept: "*/*" }))],
    ["a list", Object.entries({ authorization, "gatepass-user": "eve", accept: "*/*" })],
  ]) {
    test(`whose headers are ${what}`, async () => {
      const decision = await gate.check({ method: "GET", url: URL, headers });
      assert.equal(decision.identity.user.id, "ada");
      const { "x-forwarded-host": host, ...others } = Object.fromEntries(decision.headers);
      assert.equal(host, "app.example.com");
      assert.deepEqual(
        [others.accept, others.authorization, others["gatepass-user"]],
        ["*/*", undefined, "ada"],
      );
    });
  }

  const address = "192.0.2.1";
  const inserted = `\nauthorization:${authorization}`;
  for (const [what, request, context] of [
    ["header", { headers: [["accept", `*/*${inserted}`]] }],
    ["header's name", { headers: [[`accept${inserted}\nx`, "*/*"]] }],
    ["method", { method: `GET\n${URL}${inserted}\nx:` }],
    ["address", {}, { address: `${address}${inserted}` }],
  ]) {
    test(`and a line feed in its ${what} brings no other header with it`, async (t) => {
      t.mock.method(console, "error", () => {});
      const decision = await gate.check(
        { method: "GET", url: URL, headers: [], ...request },
        context,
      );
      assert.equal(decision.response?.status, 503);
    });
  }

  for (const url of [
    `${URL}${inserted}`,
    "https://app.example.com/public/../api/v1/jobs",
    "https://app.example.com/api/v1/jobs/../../../public/x",
    "https://app.example.com/api/v1/%2e%2e/jobs",
    "https://app.example.com/api\\v1/jobs",
    "https://app.example.com/{api}/jobs",
    "https://app.example.com?/api/v1/jobs",
    "https://app.example.com",
    "/api/v1/jobs",
  ]) {
    test(`and a URL whose path a router may read otherwise is refused: ${JSON.stringify(url)}`, async () => {
      const headers = { authorization };
      const decision = await gate.check({ method: "GET", url, headers: Object.entries(headers) });
      assert.equal(decision.response?.status, 400);
    });
  }

  for (const url of [
    "HTTPS://App.Example.com:443/api/v1/jobs",
    `${URL}?$filter=name eq 'a'&b=c\\d`,
    `${URL}?/../x`,
    "https://app.example.com/api/v1/Jobs('a')",
    "https://app.example.com/",
  ]) {
    test(`and a URL whose path all read alike is not: ${JSON.stringify(url)}`, async () => {
      const headers = { authorization };
      const decision = await gate.check({ method: "GET", url, headers: Object.entries(headers) });
      assert.equal(decision.allowed, true);
    });
  }

  test("and what is not ASCII in a user's name comes out as it went in", async () => {
    const user = { id: "Ädä 100%", email: "ä@example.com" };
    const { token } = await gate.tokens.create({ name: "a client", user });
    const headers = { authorization: `Bearer ${token}` };
    const { identity } = await gate.check(new Request(URL, { headers }));
    assert.deepEqual(identity.user, user);
  });
});
