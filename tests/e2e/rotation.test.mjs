// Keys replaced as docs/configuration.md says, version by version of one deployment.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { assertIn, assertOut, keysText, newKey, open, startEmbedGate } from "../support/embeds.mjs";
import { cookiesOf } from "../support/judges.mjs";
import { asking, byCookie, byOperator, ok, SIGN_IN } from "../support/people.mjs";
import { rawRequest } from "../support/raw.mjs";
import { assertRefused, INVALID_TOKEN } from "../support/refusals.mjs";
import { startKv } from "../support/stand-ins.mjs";

let storage;
let kv;
before(async () => {
  storage = await mkdtemp(join(tmpdir(), "gatepass-objects-"));
  kv = await startKv();
});
after(async () => {
  await kv?.stop();
  if (storage) await rm(storage, { recursive: true, force: true });
});

const SECRETS = {
  OPERATOR_KEY: randomBytes(32).toString("base64url"),
  SESSION_KEYS: keysText(newKey("k0")),
};

/** A version of the deployment, with these secrets, for as long as `use` takes. */
async function version(secrets, use) {
  const gate = await startEmbedGate({ vars: { ...SECRETS, ...secrets }, storage, kv });
  try {
    return await use(gate);
  } finally {
    await gate.stop();
  }
}

/** The same viewer, at another version. */
const at = (gate, visit) => Object.assign(Object.create(visit), { gate });

/** What the app gets with a token. */
async function echo(gate, { token }) {
  const headers = [["Authorization", `Bearer ${token}`]];
  const answer = await rawRequest({ port: gate.port, target: "/echo/", headers });
  assert.equal(answer.status, 200, answer.text);
  return answer.json().headers;
}

describe("SESSION_KEYS", () => {
  test("are replaced and no session ends but those under the key that is dropped", async () => {
    const [old, young] = [newKey("k1"), newKey("k2")];
    const behind = { SESSION_KEYS: keysText(old, young) };
    const first = { SESSION_KEYS: keysText(young, old) };
    const visits = [];
    let token;
    /** Everybody who was in still is, and so is who comes now, under the key that is first. */
    const goesOn = (secrets, kid) =>
      version(secrets, async (gate) => {
        token ??= await gate.createToken();
        await echo(gate, token);
        visits.push(await open(gate));
        assert.equal(visits.at(-1).session().kid, kid);
        for (const visit of visits) await assertIn(at(gate, visit));
      });

    await goesOn({ SESSION_KEYS: keysText(old) }, "k1");
    await goesOn(behind, "k1");
    await goesOn(first, "k2");
    // Where the version before still runs, it knows the sessions of the one that replaces it.
    await goesOn(behind, "k1");
    await version({ SESSION_KEYS: keysText(young) }, async (gate) => {
      await echo(gate, token);
      for (const visit of visits) {
        const there = at(gate, visit);
        if (visit.session().kid === "k2") await assertIn(there);
        else await assertOut(there, 401, "session_ended");
      }
      await assertIn(await open(gate));
    });
  });
});

describe("ASSERTION_KEY", () => {
  test("is replaced and an app that keeps the published keys verifies each assertion", async () => {
    const [old, young] = ["old", "new"].map((kid) => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return { ...privateKey.export({ format: "jwk" }), kid };
    });
    const steps = [
      [old, "old", ["old"]],
      [{ keys: [old, young] }, "old", ["new", "old"]],
      [{ keys: [young, old] }, "new", ["new", "old"]],
      [young, "new", ["new"]],
    ];
    let token;
    let before;
    for (const [key, kid, published] of steps) {
      await version({ ASSERTION_KEY: JSON.stringify(key) }, async (gate) => {
        token ??= await gate.createToken();
        const { "gatepass-assertion": jwt } = await echo(gate, token);
        assert.equal(decodeProtectedHeader(jwt).kid, kid);
        const answer = await rawRequest({ port: gate.port, target: "/gatepass/jwks.json" });
        const keys = answer.json();
        assert.deepEqual(keys.keys.map((key) => key.kid).sort(), published);
        await verify(jwt, keys);
        if (before) {
          await verify(jwt, before.keys); // the app has kept those of the version before
          await verify(before.jwt, keys); // an assertion of then is good for a minute
        }
        before = { jwt, keys };
      });
    }
  });
});

const verify = (jwt, keys) =>
  jwtVerify(jwt, createLocalJWKSet(keys), { issuer: "gatepass", audience: "service:DEMO" });

describe("OPERATOR_KEY", () => {
  test("is replaced, which ends sign-ins with it, and neither tokens nor sessions", async () => {
    const key = () => ({ OPERATOR_KEY: randomBytes(32).toString("base64url") });
    const then = await version(key(), async (gate) => {
      const operator = byOperator(gate);
      const signedIn = await asking(gate, operator)("POST", SIGN_IN);
      assert.equal(signedIn.status, 204, signedIn.text);
      const [{ name, value }] = cookiesOf(signedIn);
      const cookie = byCookie(`${name}=${value}`);
      await ok(asking(gate, cookie)("GET", SIGN_IN));
      return { operator, cookie, token: await gate.createToken(), visit: await open(gate) };
    });
    await version(key(), async (gate) => {
      await echo(gate, then.token);
      await assertIn(at(gate, then.visit));
      const over = await asking(gate, then.cookie)("GET", SIGN_IN);
      assertRefused(over, 401, "token_expired", [INVALID_TOKEN]);
      const wrong = await asking(gate, then.operator)("GET", SIGN_IN);
      assertRefused(wrong, 401, "token_malformed", [INVALID_TOKEN]);
      await ok(asking(gate, byOperator(gate))("GET", SIGN_IN));
      await echo(gate, await gate.createToken());
    });
  });
});
