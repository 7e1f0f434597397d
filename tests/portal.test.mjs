import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { after, before, beforeEach, test } from "node:test";
import { startPortalServer } from "./support/portal.mjs";
import { rawRequest } from "./support/raw.mjs";
import { startServer } from "./support/stand-ins.mjs";
import { basic } from "./support/tokens.mjs";

const OPERATOR_KEY = "a-key-of-thirty-two-characters-or-more";

/** A gate that notes what it is asked and answers what a test wants. */
let gate;
let asked = [];
let answers;
let portal;
before(async () => {
  gate = await startServer(async (request, response) => {
    const { method, url, headers } = request;
    const body = await text(request);
    asked.push({ method, url, headers, body: body && JSON.parse(body) });
    const { status = 200, body: answer } = answers(method, url, body && JSON.parse(body));
    response.writeHead(status, { "content-type": "application/json" });
    response.end(answer === undefined ? undefined : JSON.stringify(answer));
  });
  portal = await startPortalServer({ OPERATOR_KEY, GATE_URL: gate.url });
});
after(async () => {
  await portal?.stop();
  await gate?.stop();
});

beforeEach(() => {
  asked = [];
  answers = (method, url, { allowedOrigins } = {}) => ({
    status: 201,
    body: { token: "pat_embed_x", embedUrl: "http://p.localhost/embed-apps/jobs", allowedOrigins },
  });
});

const post = (path, { headers, body = "{}", ...init } = {}) =>
  fetch(portal.url + path, {
    method: "POST",
    headers: { origin: portal.url, "content-type": "application/json", ...headers },
    body,
    ...init,
  });

test("the page has two embeds, and a policy for the gate and its places alone", async () => {
  const answer = await fetch(portal.url);
  assert.equal(answer.status, 200);
  const html = await answer.text();
  assert.equal(html.match(/<gatepass-embed/g).length, 2);
  assert.ok(html.includes(`src="${gate.url}/gatepass/embed.js"`));
  const policy = answer.headers.get("content-security-policy");
  assert.match(policy, /^default-src 'none';/);
  assert.ok(policy.includes(`script-src 'self' ${gate.url};`));
  const places = gate.url.replace("127.0.0.1", "*.127.0.0.1");
  assert.ok(policy.includes(`frame-src ${places} ${gate.url};`));
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(html, / style=| on\w+=|<script>/);
  for (const path of ["/portal.css", "/portal.js"]) {
    assert.equal((await fetch(portal.url + path)).status, 200);
  }
});

test("EMBED_HOST names the places", async () => {
  const env = { OPERATOR_KEY, GATE_URL: "https://app.example.com", EMBED_HOST: "*.embed.example" };
  const other = await startPortalServer(env);
  try {
    const policy = (await fetch(other.url)).headers.get("content-security-policy");
    assert.ok(policy.includes("frame-src https://*.embed.example https://app.example.com;"));
  } finally {
    await other.stop();
  }
});

test("an embed URL is minted for one person, this origin, one use and two minutes", async () => {
  const answer = await post("/embed-url/ben", { body: '{"renew":true,"topLevel":false}' });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.deepEqual(await answer.json(), {
    embedUrl: "http://p.localhost/embed-apps/jobs",
    allowedOrigins: [portal.url],
  });
  const [{ method, url, headers, body }] = asked;
  assert.equal(`${method} ${url}`, "POST /gatepass/api/tokens");
  assert.equal(headers.authorization, basic("operator", OPERATOR_KEY));
  const { expiresAt, ...fields } = body;
  assert.deepEqual(fields, {
    kind: "embed",
    app: "jobs",
    name: "Portal demo",
    user: { email: "ben@example.com" },
    allowedOrigins: [portal.url],
    singleUse: true,
    sessionMinutes: 5,
    topLevel: false,
  });
  const seconds = (Date.parse(expiresAt) - Date.now()) / 1000;
  assert.ok(seconds > 100 && seconds <= 120, expiresAt);
});

test("topLevel comes from the page, as true or not at all", async () => {
  await post("/embed-url/ada", { body: '{"topLevel":true}' });
  await post("/embed-url/ada", { body: '{"topLevel":"yes"}' });
  await post("/embed-url/ada", { body: '{"user":{"email":"eve@example.com"},"scopes":["all"]}' });
  assert.deepEqual(
    asked.map(({ body: { topLevel, user, scopes } }) => [topLevel, user.email, scopes]),
    [
      [true, "ada@example.com", undefined],
      [false, "ada@example.com", undefined],
      [false, "ada@example.com", undefined],
    ],
  );
});

test("ending a user's sessions kills each of them, page after page", async () => {
  answers = (method, url) => {
    if (method === "DELETE") return { status: 204 };
    const cursor = new URL(url, gate.url).searchParams.get("cursor");
    return cursor === null
      ? { body: { result: [{ id: "a-1" }, { id: "a-2" }], next: "more" } }
      : { body: { result: [{ id: "a-3" }], next: null } };
  };
  const answer = await post("/end-sessions/ada");
  assert.deepEqual(await answer.json(), { ended: 3 });
  const calls = asked.map(({ method, url }) => `${method} ${url.slice("/gatepass/api".length)}`);
  assert.deepEqual(calls.toSorted(), [
    "DELETE /sessions/a-1",
    "DELETE /sessions/a-2",
    "DELETE /sessions/a-3",
    "GET /sessions?user=ada%40example.com",
    "GET /sessions?user=ada%40example.com&cursor=more",
  ]);
});

for (const [what, headers] of [
  ["of another site", { "sec-fetch-site": "cross-site" }],
  ["of a sibling", { "sec-fetch-site": "same-site" }],
  ["of another origin", { origin: "https://evil.example" }],
  ["of no origin", { origin: "null" }],
]) {
  test(`a page ${what} makes nothing`, async () => {
    for (const path of ["/embed-url/ada", "/end-sessions/ada"]) {
      const answer = await post(path, { headers });
      assert.equal(answer.status, 403);
      assert.equal((await answer.json()).code, "cross_site");
    }
    assert.deepEqual(asked, []);
  });
}

test("a form cannot post, nor a long body, nor one that is no object", async () => {
  for (const [body, type] of [
    ["topLevel=true", "application/x-www-form-urlencoded"],
    ["{}", "text/plain"],
    ["{", "application/json"],
    ["null", "application/json"],
    [JSON.stringify({ x: "x".repeat(1000) }), "application/json"],
  ]) {
    const answer = await post("/embed-url/ada", { body, headers: { "content-type": type } });
    assert.equal(answer.status, 400, body.slice(0, 20));
  }
  assert.deepEqual(asked, []);
});

test("under another name it leads to its own, and does nothing", async () => {
  const port = Number(new URL(portal.url).port);
  const headers = [["Host", `localhost:${port}`]];
  const page = await rawRequest({ port, headers });
  assert.equal(page.status, 302);
  assert.equal(page.header("Location"), `${portal.url}/`);
  const rebound = [
    ["Host", `evil.example:${port}`],
    ["Origin", `http://evil.example:${port}`],
  ];
  const made = await rawRequest({
    ...{ port, method: "POST", target: "/embed-url/ada", headers: rebound, body: "{}" },
  });
  assert.equal(made.status, 421);
  assert.deepEqual(asked, []);
});

test("what is not there is 404, another method 405", async () => {
  for (const path of ["/embed-url/eve", "/embed-url/constructor", "/toString/ada", "/none"]) {
    assert.equal((await post(path)).status, 404, path);
  }
  const got = await fetch(`${portal.url}/embed-url/ada`);
  assert.equal(got.status, 405);
  assert.equal(got.headers.get("allow"), "POST");
  assert.equal((await post("/")).headers.get("allow"), "GET, HEAD");
});

test("a refusal of the gate is passed on by its code, without the key", async () => {
  answers = () => ({ status: 403, body: { code: "creation_disabled", detail: "switched off" } });
  const answer = await post("/embed-url/ada");
  assert.equal(answer.status, 502);
  const said = await answer.text();
  assert.deepEqual(JSON.parse(said), { code: "creation_disabled", message: "switched off (403)" });
  assert.ok(!(said + portal.output()).includes(OPERATOR_KEY));
});

test("a gate that is away is 502", async () => {
  const other = await startPortalServer({ OPERATOR_KEY, GATE_URL: "http://127.0.0.1:9" });
  try {
    const headers = { origin: other.url, "content-type": "application/json" };
    const init = { method: "POST", headers, body: "{}" };
    const answer = await fetch(`${other.url}/embed-url/ada`, init);
    assert.equal(answer.status, 502);
    assert.equal((await answer.json()).code, "upstream_unavailable");
  } finally {
    await other.stop();
  }
});

test("it does not start without the operator key", async () => {
  await assert.rejects(
    startPortalServer({ OPERATOR_KEY: "", GATE_URL: gate.url }),
    /OPERATOR_KEY.* must stand in the environment/,
  );
});
