// The witness of secrets sees: each secret, in each writing, in each place. Without this a suite in
// which it finds nothing says nothing.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { bearer } from "./support/api.mjs";
import { keysText, newKey, open, startEmbedGate } from "./support/embeds.mjs";
import { rawRequest } from "./support/raw.mjs";
import { assertKeptSecret, noteAnswer, noteRequest, watchPorts } from "./support/secrecy.mjs";
import {
  assertNoFindings,
  keepKey,
  keepSecret,
  keepVariables,
  secretsIn,
  takeFindings,
} from "./support/secrets.mjs";
import { startServer } from "./support/stand-ins.mjs";
import { basic, makeToken } from "./support/tokens.mjs";

/** A secret that tests use, of a kind of its own. */
function planted(
  text = `${randomBytes(12).toString("base64")}/+"${randomBytes(6).toString("hex")}`,
) {
  const kind = `a secret ${randomBytes(4).toString("hex")}`;
  keepSecret(kind, text);
  return { kind, text };
}

describe("a secret is found", () => {
  const WRITINGS = {
    "as it is": (text) => text,
    "as bytes": (text) => Buffer.from(text),
    "in base64": (text) => Buffer.from(text).toString("base64"),
    "in base64, after one byte": (text) => Buffer.from(`:${text}`).toString("base64"),
    "in base64, after two bytes": (text) => Buffer.from(`a:${text}`).toString("base64"),
    "in base64, before more": (text) => Buffer.from(`abc${text} and more`).toString("base64"),
    "in base64url": (text) => Buffer.from(`ab${text}`).toString("base64url"),
    "in hex": (text) => Buffer.from(text).toString("hex"),
    "in upper-case hex": (text) => Buffer.from(text).toString("hex").toUpperCase(),
    "in UTF-16, little-endian": (text) => Buffer.from(text, "utf16le"),
    "in UTF-16, big-endian": (text) => Buffer.from(text, "utf16le").swap16(),
    "percent-encoded": (text) => encodeURIComponent(text),
    "in JSON": (text) => JSON.stringify({ text }),
    "in JSON that escapes slashes": (text) => JSON.stringify(text).replaceAll("/", "\\/"),
  };
  for (const [name, written] of Object.entries(WRITINGS)) {
    test(name, () => {
      for (let i = 0; i < 20; i++) {
        const { kind, text } = planted();
        for (const length of [0, 1, 2, 3, 15, 16, 17, 1000]) {
          const around = randomBytes(length);
          const content = Buffer.concat([around, Buffer.from(written(text)), around]);
          assert.deepEqual([...secretsIn(content)], [kind]);
        }
      }
    });
  }

  test("among thousands, wherever it stands", () => {
    const many = Array.from({ length: 500 }, () => planted(randomBytes(20).toString("hex")));
    const noise = randomBytes(100_000).toString("hex");
    assert.deepEqual([...secretsIn(noise)], []);
    for (const { kind, text } of many.slice(0, 20)) {
      const at = randomBytes(4).readUInt32LE() % noise.length;
      assert.deepEqual([...secretsIn(noise.slice(0, at) + text + noise.slice(at))], [kind]);
    }
  });

  test("where two stand, both are", () => {
    const [one, other] = [planted(), planted()];
    assert.deepEqual([...secretsIn(one.text + other.text)], [one.kind, other.kind]);
  });

  test("only where the whole of it stands", () => {
    const { text } = planted();
    assert.deepEqual([...secretsIn(`${text.slice(0, -1)} ${text.slice(1)}`)], []);
  });
});

describe("of what a gate is given, it knows", () => {
  const key = randomBytes(32);
  const VARIABLES = {
    OPERATOR_KEY: randomBytes(32).toString("base64url"),
    SESSION_KEYS: keysText({ id: "k1", secret: key }, newKey("k2")),
    ASSERTION_KEY: JSON.stringify({ kty: "EC", d: randomBytes(32).toString("base64url") }),
    UPSTREAM_AUTHORIZATION: `Bearer ${randomBytes(12).toString("hex")}`,
    NOTIFY_KEY: `whsec_${randomBytes(32).toString("base64")} whsec_${newKey().secret.toString("base64")}`,
  };
  const PARTS = {
    OPERATOR_KEY: [VARIABLES.OPERATOR_KEY],
    SESSION_KEYS: [key, key.toString("base64"), key.toString("hex")],
    ASSERTION_KEY: [VARIABLES.ASSERTION_KEY],
    UPSTREAM_AUTHORIZATION: [VARIABLES.UPSTREAM_AUTHORIZATION],
    NOTIFY_KEY: VARIABLES.NOTIFY_KEY.split(" "),
  };
  before(() => keepVariables(VARIABLES));
  for (const [name, parts] of Object.entries(PARTS)) {
    test(name, () => {
      for (const part of parts) assert.deepEqual([...secretsIn(part)], [name]);
    });
  }

  test("a variable that is left out, or is none, as nothing", () => {
    keepVariables({ SESSION_KEYS: undefined, OPERATOR_KEY: "short", ASSERTION_KEY: "no key" });
  });

  test("a private key among several", () => {
    const d = randomBytes(32).toString("base64url");
    keepKey("a provider's key", [{ kty: "RSA", n: "x", d }]);
    assert.deepEqual([...secretsIn(Buffer.from(d, "base64url"))], ["a provider's key"]);
  });
});

describe("of what a gate answers", () => {
  const port = 1;
  const token = makeToken();
  let unwatch;
  before(() => (unwatch = watchPorts([port])));
  after(() => unwatch());

  /** What is found in an answer. */
  function found({
    method = "GET",
    target = "/x",
    status = 200,
    headers = [],
    body = "",
    at = port,
  }) {
    noteAnswer({ port: at, method, target }, { status, headers, body });
    return takeFindings();
  }

  test("a secret in a body is found", () => {
    const body = Buffer.from(`{"detail":"${token}"}`);
    assert.deepEqual(found({ body }), ["a token stands in the answer 200 to GET /x"]);
  });

  test("a secret in a header is found, and the path is not told where it holds one", () => {
    const answer = { target: `/${token}?b=c`, status: 308, headers: [["Location", `/${token}`]] };
    const where = "the answer 308 to GET a path with a secret";
    assert.deepEqual(found(answer), [`a token stands in ${where}`]);
  });

  test("a new token may stand where it is made, once", () => {
    const made = `pat_embed_${randomBytes(18).toString("hex")}`;
    const body = JSON.stringify({ token: made, embedUrl: `https://a.test/?t=${made}` });
    for (const target of ["/gatepass/api/tokens", "/api/v1/auth/generate-pat"]) {
      const answer = { method: "POST", target, status: 201, body };
      const again = [`a token stands in the answer 201 to POST ${target}`];
      assert.deepEqual(found(answer), target.startsWith("/gatepass") ? [] : again);
    }
    assert.equal(found({ target: "/gatepass/api/tokens", body }).length, 1);
    assert.equal(
      found({ method: "POST", target: "/gatepass/api/tokens", status: 409, body }).length,
      1,
    );
  });

  test("a session may stand in the cookie that gives it, and nowhere else", () => {
    const session = `fields.${randomBytes(32).toString("base64url")}`;
    for (const name of ["__Host-gp-abcdefghij234567", "__Host-gatepass"]) {
      assert.deepEqual(found({ headers: [["Set-Cookie", `${name}=${session}; Path=/`]] }), []);
    }
    const where = "a session stands in the answer 200 to GET /x";
    assert.deepEqual(found({ headers: [["Set-Cookie", `a=${session}`]] }), [where]);
    assert.deepEqual(found({ body: session }), [where]);
  });

  test("the upstream may show what it was given, Gatepass may not", () => {
    const UPSTREAM_AUTHORIZATION = `Bearer ${randomBytes(12).toString("hex")}`;
    keepVariables({ UPSTREAM_AUTHORIZATION });
    assert.deepEqual(found({ body: UPSTREAM_AUTHORIZATION }), []);
    assert.equal(found({ target: "/gatepass/x", body: UPSTREAM_AUTHORIZATION }).length, 1);
  });

  test("what no gate answers is not looked at", () => {
    assert.deepEqual(found({ body: token, at: 2 }), []);
  });
});

describe("of what a server is sent", () => {
  const found = (url, ...headers) => {
    noteRequest("the upstream", { method: "GET", url, headers });
    return takeFindings();
  };

  test("a secret in the URL or a header is found", () => {
    const { kind, text } = planted();
    const expected = [`${kind} stands in a request to the upstream`];
    assert.deepEqual(found(`/x?a=${encodeURIComponent(text)}`), expected);
    assert.deepEqual(found("/x", ["x-a", Buffer.from(text).toString("base64")]), expected);
    assert.deepEqual(found("/x", ["x-a", "harmless"]), []);
  });

  test("a token that nobody knows is found, and a cookie of Gatepass's own", () => {
    const shape = "something of a token's shape stands in a request to the upstream";
    assert.deepEqual(found(`/x?a=pat_${"0".repeat(36)}`), [shape]);
    const cookie = "a cookie of Gatepass's own stands in a request to the upstream";
    assert.deepEqual(found("/x", ["Cookie", "a=b; __host-gatepass=x"]), [cookie]);
  });

  test("an assertion may stand there, and not in a log", async () => {
    const jwt = `header.claims.${randomBytes(64).toString("base64url")}`;
    assert.deepEqual(found("/x", ["Gatepass-Assertion", jwt]), []);
    assert.deepEqual([...secretsIn(jwt)], ["an assertion"]);
  });
});

describe("around a running gate", () => {
  const { kind, text } = planted();

  /** Starts a gate, does something with it, and answers what is found when it is stopped. */
  async function foundIn(options, act) {
    const gate = await startEmbedGate(options);
    await act(gate);
    const stopped = await gate.stop().then(
      () => "",
      ({ message }) => message,
    );
    return stopped.split("\n").slice(1);
  }

  test("a secret in KV is found, in a key and in a value", async () => {
    const found = await foundIn({}, ({ kv }) => kv.values.set("x", text).set(text, "x"));
    assert.deepEqual(found, [`${kind} stands in KV`]);
  });

  test("a secret that KV was sent is found, although it is gone", async () => {
    const found = await foundIn({}, async ({ kv }) => {
      const url = `http://${kv.address}/x`;
      await fetch(url, { method: "PUT", body: text });
      await fetch(url, { method: "DELETE" });
    });
    assert.deepEqual(found, [`${kind} stands in what KV is sent`]);
  });

  test("a secret in a ledger's rows is found", async () => {
    const found = await foundIn({}, ({ createToken }) => createToken({ description: text }));
    assert.ok(found.includes(`${kind} stands in a file of Ledger`), found.join());
  });

  test("a secret in the log is found", async () => {
    const source = `export default { fetch() { console.error(${JSON.stringify(text)}); return new Response(); } }`;
    const workers = [{ name: "talker", modules: { "talker.js": source } }];
    const options = { workers, sockets: { talker: "talker" } };
    const found = await foundIn(options, ({ ports }) => fetch(`http://127.0.0.1:${ports.talker}`));
    assert.deepEqual(found, [`${kind} stands in the log`]);
  });

  test("a secret that a Worker behind it was sent is found", async () => {
    const found = await foundIn({}, async ({ port, createToken }) => {
      const { token } = await createToken();
      const headers = [
        ["Authorization", bearer(token)],
        ["X-Note", text],
      ];
      await rawRequest({ port, target: "/api/v1/jobs/", headers });
    });
    assert.deepEqual(found, [`${kind} stands in a request to the upstream`]);
  });

  test("a secret that a server behind it was sent is found, and what it answered", async () => {
    const upstream = await startServer((request, response) =>
      response.end(request.headers["x-note"]),
    );
    const found = await foundIn({ vars: { UPSTREAM: upstream.url } }, async (gate) => {
      const { token } = await gate.createToken();
      const headers = { authorization: bearer(token), "x-note": text };
      assert.equal(await (await fetch(`${gate.url}/x`, { headers })).text(), text);
    });
    await upstream.stop();
    assert.deepEqual(found, [
      `${kind} stands in a request to a server of the test`,
      `${kind} stands in the answer 200 to GET /x`,
    ]);
  });

  test("what a whole visit uses is known, and stands nowhere", async () => {
    const found = await foundIn({}, async (gate) => {
      const visit = await open(gate);
      await visit.echo();
      assert.deepEqual([...secretsIn(visit.value)], ["a session"]);
      assert.deepEqual([...secretsIn(visit.token.token)], ["a token"]);
      assert.deepEqual([...secretsIn(basic("", gate.operatorKey))], ["OPERATOR_KEY"]);
    });
    assert.deepEqual(found, []);
  });
});

test("a file that is none of the above is looked at as well", async (t) => {
  const { kind, text } = planted();
  const folder = await mkdtemp(join(tmpdir(), "gatepass-secrets-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "other"));
  await writeFile(
    join(folder, "other", "file-wal"),
    Buffer.concat([randomBytes(99), Buffer.from(text)]),
  );
  const told = { message: `Secrets where none may be:\n${kind} stands in a file of the state` };
  await assert.rejects(assertKeptSecret({ output: "", folder }), told);
  assertNoFindings();
});
