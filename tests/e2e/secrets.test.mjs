import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bearer, by, until } from "../support/api.mjs";
import { startGate } from "../support/gate.mjs";
import { rawRequest } from "../support/raw.mjs";
import { filesIn, readKv } from "../support/state.mjs";
import { basic, digestOf, keyOf, makeToken } from "../support/tokens.mjs";

let state;
let gate;
const tokens = [];
let issued;
/** Everything that came back, but for the one answer that shows a new token. */
const answers = [];
/** What the upstream received, as its /echo tells. */
const echoes = [];

/** The token texts, however they may be written. */
function secrets() {
  const plain = [...tokens, gate.operatorKey];
  return plain.flatMap((secret) => [
    secret,
    secret.slice(8),
    Buffer.from(secret).toString("hex"),
    ...[0, 1, 2].map((shift) => base64Core(secret, shift)),
  ]);
}

/** What base64 makes of a text at any offset in a longer one, without its uncertain ends. */
function base64Core(secret, shift) {
  const encoded = Buffer.from(" ".repeat(shift) + secret)
    .toString("base64")
    .replace(/=+$/, "");
  return encoded.slice(shift === 0 ? 0 : 4, -4);
}

function assertHoldsNone(content, where) {
  const text = Buffer.isBuffer(content) ? content.toString("latin1") : content;
  for (const secret of secrets()) {
    assert.ok(!text.includes(secret), `a secret stands in ${where}`);
    const utf16 = Buffer.from(secret, "utf16le").toString("latin1");
    assert.ok(!text.includes(utf16), `a secret stands in ${where}, as UTF-16`);
  }
}

/** A call of the management API, whose new token is noted. */
async function call(method, path, body, options) {
  const answer = await gate.api(method, path, body, options);
  const { token, ...rest } = answer.body;
  if (token) {
    assert.equal(answer.status, 201);
    tokens.push(token);
  }
  answers.push(JSON.stringify([[...answer.headers], token ? rest : answer.body]));
  return answer;
}

/** A request, byte for byte. */
async function send(target, headers, more) {
  const answer = await rawRequest({ port: gate.port, target, headers, ...more });
  const text = JSON.stringify(answer.headers) + answer.text;
  (target.startsWith("/echo") && answer.status === 200 ? echoes : answers).push(text);
  return answer;
}

before(async () => {
  state = await mkdtemp(join(tmpdir(), "gatepass-secrets-"));
  gate = await startGate({ state });
  const user = { id: "ada", email: "ada@example.com" };
  const scopes = ["tokens", "odata", "jobs:read"];
  const create = (fields, options) =>
    call("POST", "/tokens", { name: "a", scopes, user, ...fields }, options);

  const [first, second, third, strict] = [
    (await create()).body,
    (await create({ description: "second" })).body,
    (await create({ expiresInDays: 1 })).body,
    (await create({ strict: true, never: true })).body,
  ];
  const once = { headers: { "idempotency-key": "once" } };
  await create({}, once);
  await create({}, once);
  await create({ name: "another body" }, once);
  await call("GET", "/tokens?limit=3");
  await call("GET", "/tokens?user=ada&search=second");
  await call("GET", `/tokens/${first.id}`);
  await call("PATCH", `/tokens/${second.id}`, { name: "b", enabled: false });
  await call("POST", `/tokens/${third.id}/rotate`, { graceSeconds: 60 });
  await call("DELETE", `/tokens/${strict.id}`);
  const child = (await call("POST", "/tokens", { name: "c" }, by(first.token))).body;
  await call("GET", "/tokens", undefined, by(first.token));
  await call("GET", "/tokens/self", undefined, by(child.token));
  await call("POST", "/tokens", { name: "d" }, by(child.token));
  await call("DELETE", "/tokens/self", undefined, by(child.token));
  await call("POST", "/tokens", { name: "" });
  // A secret where it does not belong must not come back, nor be kept.
  for (const body of [
    { name: "a", [first.token]: 1, user },
    { name: "a", user: { [first.token]: 1 } },
    { name: "a", user, kind: first.token },
    { name: "a", user, expiresAt: first.token },
    { name: "a", user, scopes: [`${first.token} `] },
    { name: "a", user, apps: [first.token] },
    { name: "a", user, allowedIps: [first.token] },
    `{"name":"${first.token}`,
    first.token,
  ]) {
    await call("POST", "/tokens", body);
  }
  await call("GET", `/tokens/${digestOf(first.token)}`);

  const { token } = first;
  for (const headers of [
    [["Authorization", bearer(token)]],
    [["Authorization", basic("excel", token)]],
    [["X-API-Key", token]],
    [["PRIVATE-TOKEN", token]],
    [
      ["Authorization", bearer(token)],
      ["X-Forwarded-For", token],
      ["Gatepass-User", token],
    ],
    [
      ["Authorization", "Token of-the-upstream"],
      ["X-API-Key", token],
    ],
  ]) {
    for (const method of ["GET", "POST"]) {
      const body = method === "POST" ? "{}" : undefined;
      assert.equal((await send("/echo/here?a=b", headers, { method, body })).status, 200);
    }
    await send("/api/v1/jobs/", headers);
    await send("/odata/Jobs", headers);
    await send("/redirect", headers);
    await send("/status/500", headers);
    await send("/public/hello", headers);
    await send("/none", headers);
  }
  const ws = [
    ["Authorization", bearer(token)],
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", Buffer.alloc(16).toString("base64")],
  ];
  (await send("/ws", ws)).socket?.destroy();

  const unknown = makeToken();
  const embed = makeToken({ kind: "pat_embed" });
  tokens.push(unknown, embed);
  const key = gate.operatorKey;
  const wrong = token.slice(0, -1) + (token.endsWith("0") ? "1" : "0");
  for (const headers of [
    [["Authorization", bearer(second.token)]],
    [["Authorization", bearer(third.token)]],
    [["Authorization", bearer(strict.token)]],
    [["Authorization", bearer(child.token)]],
    [["Authorization", bearer(unknown)]],
    [["Authorization", bearer(embed)]],
    [["Authorization", bearer(wrong)]],
    [["Authorization", bearer(`${token}, ${token}`)]],
    [["Authorization", `Bearer\t${token}`]],
    [["Authorization", `Basic ${token}`]],
    [["Authorization", basic(token, "")]],
    [["Authorization", basic(token, token)]],
    [["Authorization", basic("operator", key)]],
    [["Authorization", bearer(key)]],
    [["X-API-Key", key]],
    [
      ["Authorization", bearer(token)],
      ["X-API-Key", second.token],
    ],
    [
      ["Authorization", basic("any", token)],
      ["Sec-Fetch-Site", "cross-site"],
    ],
    [
      ["Authorization", basic("operator", key)],
      ["Origin", "https://evil.example"],
    ],
  ]) {
    await send("/api/v1/jobs/", headers);
    await send("/gatepass/api/tokens", headers);
    await send("/gatepass/api/tokens/self", headers);
  }
  // The records of all tokens that are more than made up.
  issued = tokens.filter((text) => text !== unknown && text !== embed);
  await until(async () => {
    const kv = await readKv(state);
    return issued.every((text) => kv.has(keyOf(text)));
  }, "all records");
});
after(async () => {
  await gate?.stop();
  await rm(state, { recursive: true, force: true });
});

test("the run was of all kinds", () => {
  assert.ok(issued.length >= 7, `${issued.length} tokens`);
  assert.equal(new Set(tokens).size, tokens.length);
  assert.ok(answers.length >= 100 && echoes.length >= 12);
});

test("no secret is in a key or a value of KV", async () => {
  for (const [key, { value }] of await readKv(state)) assertHoldsNone(`${key} ${value}`, "KV");
});

test("no secret is in an answer but the one that shows a new token", () => {
  for (const answer of answers) assertHoldsNone(answer, "an answer");
});

test("no secret, and nothing of its shape, is in what the upstream receives", () => {
  for (const echo of echoes) {
    assertHoldsNone(echo, "a request to the upstream");
    assert.doesNotMatch(echo, /pat_(embed_)?[0-9A-Za-z]{30}/);
  }
});

test("no secret is in what the runtime writes to its log", () => {
  assertHoldsNone(gate.output(), "the log");
});

test("no secret is in any file of the state, in the databases least", async () => {
  const ledger = [];
  const files = await filesIn(state);
  for (const file of files) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    assertHoldsNone(bytes, file.slice(state.length));
    if (file.includes("Ledger")) ledger.push(bytes.toString("latin1"));
  }
  // Else this test would look in the wrong place.
  const found = issued.filter((token) => ledger.some((text) => text.includes(digestOf(token))));
  assert.equal(found.length, issued.length);
});
