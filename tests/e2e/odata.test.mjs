// Clients of OData as people have them, in Python, in front of a feed behind the gate.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { JOBS } from "../../examples/upstream/jobs.js";
import { startRawGate } from "../support/gate.mjs";
import { NEEDS_PYTHON, python } from "../support/python.mjs";
import { BASIC, BEARER, INVALID_TOKEN } from "../support/refusals.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { makeToken } from "../support/tokens.mjs";

const NAMES = JOBS.map(({ Name }) => Name);
const WHAT_THERE_IS = {
  sets: ["Jobs"],
  ids: JOBS.map((_, at) => at + 1),
  bridges: NAMES.filter((name) => name.includes("Bridge")).sort(),
  seventh: NAMES[6],
};

/** What one of the clients in odata_clients.py answers by each of these credentials, or paths. */
const ask = (as, gate, asked) =>
  python(
    "odata_clients",
    asked.map(({ path = "", ...credential }) => ({
      ...{ as, credential },
      url: `${gate.url}/odata/${path}`,
    })),
  );

describe("a client of OData", NEEDS_PYTHON, () => {
  let feed;
  let gates;
  before(async () => {
    feed = await startServer(answerInVersion2);
    const behind = { servers: { feed: feed.address }, upstream: { server: "feed" } };
    const [v4, v2] = await Promise.all([startRawGate(), startRawGate(behind)]);
    gates = { version_4: v4, version_2: v2 };
  });
  after(() => Promise.all([...Object.values(gates ?? {}), feed].map((one) => one?.stop())));

  for (const [as, title] of [
    ["version_4", "python-odata reads a feed of 4.0, page after page"],
    ["version_2", "pyodata reads a feed of 2.0"],
  ]) {
    test(`${title}, by Basic and by Bearer`, async () => {
      const { token } = await gates[as].createToken({ scopes: ["odata"] });
      const seen = await ask(as, gates[as], [{ basic: token }, { bearer: token }]);
      assert.deepEqual(seen, [WHAT_THERE_IS, WHAT_THERE_IS]);
    });
  }

  test("that sends a password only when it is asked is asked, on every resource of the feed", async () => {
    const gate = gates.version_4;
    const { token } = await gate.createToken({ scopes: ["odata"] });
    const paths = ["", "$metadata", "Jobs", "Jobs/$count"];
    const asked = paths.map((path) => ({ path, basic: token }));
    assert.deepEqual(await ask("invited", gate, [...asked, { basic: makeToken() }]), [
      { status: 200, type: "application/json" },
      { status: 200, type: "application/xml" },
      { status: 200, type: "application/json" },
      { status: 200, type: "text/plain" },
      { status: 401 },
    ]);
  });

  test("is told why it may not: 401 with both challenges, 403 with the scope", async () => {
    const gate = gates.version_2;
    const { token } = await gate.createToken({ scopes: ["jobs:read"] });
    const scope = `${BEARER}, error="insufficient_scope", scope="odata"`;
    const asked = [
      ...[{}, { basic: makeToken() }, { bearer: makeToken() }],
      ...[{ basic: token }, { bearer: token }],
    ];
    const invalid = { status: 401, challenges: `${INVALID_TOKEN}, ${BASIC}` };
    const insufficient = { status: 403, challenges: scope };
    assert.deepEqual(await ask("refusal", gate, asked), [
      { status: 401, challenges: `${BEARER}, ${BASIC}` },
      ...[invalid, invalid, insufficient, insufficient],
    ]);
  });
});

/** The demo's jobs as a feed of OData 2.0, as far as pyodata asks. */
function answerInVersion2({ url }, response) {
  const { pathname, searchParams } = new URL(url, "http://feed");
  const rows = JOBS.map(({ Name }, at) => ({ Id: at + 1, Name }));
  const [, path] = /^\/odata\/(.*)$/.exec(decodeURIComponent(pathname)) ?? [];
  if (path === "$metadata") {
    return response.setHeader("content-type", "application/xml").end(METADATA_2);
  }
  const [, id] = /^Jobs\((\d+)\)$/.exec(path) ?? [];
  const [, part = ""] = /^substringof\('(\w+)',Name\)$/.exec(searchParams.get("$filter")) ?? [];
  const found = id ? rows[id - 1] : { results: rows.filter(({ Name }) => Name.includes(part)) };
  response.setHeader("content-type", "application/json").end(JSON.stringify({ d: found }));
}

const METADATA_2 = `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"
  xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
  <edmx:DataServices m:DataServiceVersion="2.0">
    <Schema Namespace="Demo" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
      <EntityType Name="Job">
        <Key><PropertyRef Name="Id"/></Key>
        <Property Name="Id" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Name" Type="Edm.String" Nullable="false"/>
      </EntityType>
      <EntityContainer Name="Container" m:IsDefaultEntityContainer="true">
        <EntitySet Name="Jobs" EntityType="Demo.Job"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>`;
