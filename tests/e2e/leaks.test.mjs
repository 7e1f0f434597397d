// What becomes of tokens that GitHub's secret scanning found in public. How its signatures are read,
// and how its keys are had, is in tests/leaks.test.mjs.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { assertOpens, assertProblem, assertShut, by, until } from "../support/api.mjs";
import { auditOf } from "../support/audit.mjs";
import {
  assertIn,
  assertOut,
  enter,
  mint,
  newUser,
  openWith,
  startEmbedGate,
} from "../support/embeds.mjs";
import { startRawGate } from "../support/gate.mjs";
import { newPair, startScanner, tokenHash } from "../support/scanner.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { basic, makeToken } from "../support/tokens.mjs";

const PATH = "/gatepass/leaks/github";
const key = `whsec_${randomBytes(32).toString("base64")}`;

let scanner;
let receiver;
let gate;
before(async () => {
  [scanner, receiver] = [await startScanner(), await startReceiver()];
  const vars = { LEAK_KEYS_URL: scanner.url, NOTIFY_URL: receiver.url, NOTIFY_KEY: key };
  vars.WORKSPACES = ["default", "other"];
  gate = await startEmbedGate({ vars });
});
after(() => Promise.all([gate?.stop(), scanner?.stop(), receiver?.stop()]));

async function startReceiver() {
  const got = [];
  const server = await startServer(async (request, response) => {
    got.push({ headers: request.headers, body: await text(request) });
    response.writeHead(204).end();
  });
  return { got, url: server.url, stop: server.stop };
}

const make = (fields) => gate.createToken({ user: newUser(), ...fields });
const report = (found, options) => scanner.report(gate, found, options);
const shut = (token) => assertShut(gate, token, "token_revoked");

/** Asserts the answer to a report: its tokens in order, and which were true. */
function assertTold({ status, headers, body }, told) {
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(headers.get("content-type"), "application/json");
  const expected = told.map(([token, isTrue]) => ({
    token_hash: tokenHash(token),
    token_type: "gatepass_pat",
    label: isTrue ? "true_positive" : "false_positive",
  }));
  assert.deepEqual(body, expected);
}

describe("a leaked token is revoked", () => {
  test("with all that it made, and everybody is told", async () => {
    const leaked = await make({ apps: ["*"] });
    const { user } = leaked;
    await assertOpens(gate, leaked.token);
    const child = await gate.api("POST", "/tokens", { name: "child" }, by(leaked.token));
    const wanted = { name: "embed", kind: "embed", app: "jobs" };
    const embed = await gate.api("POST", "/tokens", wanted, by(leaked.token));
    assert.equal(embed.status, 201, JSON.stringify(embed.body));
    const visit = await openWith(gate, embed.body);
    await assertIn(visit);
    const neighbour = await make({ user });

    assertTold(await report(leaked.token), [[leaked.token, true]]);

    await shut(leaked.token);
    await shut(child.body.token);
    await assertOut(visit, 401, "token_revoked", []);
    await assertOpens(gate, neighbour.token);
    const [event] = await auditOf(gate, { user: user.id, action: "token.leaked" });
    assert.equal(event.token, leaked.id);
    assert.equal(event.actor, "scanner");
    assert.equal(event.result, "ok");
    const message = await until(() => messageOf(leaked), "the message");
    assert.deepEqual(message, {
      type: "token.leaked",
      timestamp: `${event.at.slice(0, 19)}Z`,
      data: {
        token: {
          ...{ id: leaked.id, name: leaked.name, start: leaked.start, user },
          ...{ workspace: "default", expiresAt: leaked.expiresAt },
        },
      },
    });
  });

  /** What the operator's endpoint was told of a token, judged by Standard Webhooks. */
  function messageOf({ id }) {
    const found = receiver.got.filter(({ headers }) => headers["webhook-id"] === `${id}.leaked`);
    assert.ok(found.length <= 1, "it is told once");
    return found.length && new Webhook(key).verify(found[0].body, found[0].headers);
  }

  test("of whatever workspace", async () => {
    const body = { name: "there", user: newUser(), scopes: ["tokens"] };
    const { body: there } = await gate.api("POST", "/tokens?workspace=other", body);
    const here = await make();
    assertTold(await report([there.token, here.token]), [
      [there.token, true],
      [here.token, true],
    ]);
    for (const { token } of [there, here]) await shut(token);
    const events = await auditOf(gate, { workspace: "other", action: "token.leaked" });
    assert.deepEqual(
      events.map(({ token }) => token),
      [there.id],
    );
    const message = await until(() => messageOf(there), "the message");
    assert.equal(message.data.token.workspace, "other");
  });

  test("that is for embeds too, and its places are shut", async () => {
    const embed = await mint(gate);
    const visit = await openWith(gate, embed);
    assertTold(await report(embed.token), [[embed.token, true]]);
    await assertOut(visit, 401, "token_revoked");
    assert.equal((await enter(gate, embed.embedUrl)).status, 401);
    await until(() => messageOf(embed), "the message");
  });

  test("that is disabled, replaced, or revoked already: that was one, and is told once", async () => {
    const [disabled, replaced, revoked] = [await make(), await make(), await make()];
    await gate.api("PATCH", `/tokens/${disabled.id}`, { enabled: false });
    const successor = await gate.api("POST", `/tokens/${replaced.id}/rotate`, {});
    await gate.api("DELETE", `/tokens/${revoked.id}`);
    const all = [disabled, replaced, revoked].map(({ token }) => token);
    for (let i = 0; i < 2; i++) {
      assertTold(
        await report(all),
        all.map((token) => [token, true]),
      );
    }
    for (const token of all) await shut(token);
    await assertOpens(gate, successor.body.token);
    await until(() => messageOf(disabled) && messageOf(replaced), "the messages");
    assert.equal(messageOf(revoked), 0);
    const events = await auditOf(gate, { user: disabled.user.id, action: "token.leaked" });
    assert.equal(events.length, 1);
  });

  test("and what is none is told from it, and harms nobody", async () => {
    const good = await make();
    const stranger = makeToken({ hint: good.token.slice(4, 8) });
    const found = [
      ...[stranger, makeToken(), makeToken({ kind: "pat_embed" }), `${good.token}x`],
      ...[good.token.slice(0, -1), good.token.toLowerCase(), good.id, ` ${good.token}`, ""],
      ...["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", "\u{1f511}", "a\nb", '"},{"token":"'],
    ];
    assertTold(
      await report(found),
      found.map((token) => [token, false]),
    );
    await assertOpens(gate, good.token);
  });

  test("though a hundred are reported at once", async () => {
    const made = await Promise.all(Array.from({ length: 3 }, () => make()));
    const found = Array.from({ length: 100 }, (_, i) => made[i - 97]?.token ?? makeToken());
    assertTold(
      await report(found),
      found.map((token, i) => [token, i >= 97]),
    );
    for (const { token } of made) await shut(token);
  });
});

describe("a report that is not GitHub's", () => {
  const other = newPair();
  for (const [what, options] of [
    ["without a signature", { headers: { "github-public-key-signature": "" } }],
    ["without the key's name", { keyId: "" }],
    ["by a key that is not listed", { keyId: "k2" }],
    ["signed by another key", { by: other }],
    ["with a signature of something else", { headers: { "github-public-key-signature": "x" } }],
  ]) {
    test(`${what} is refused, and nothing is revoked`, async () => {
      const { token } = await make();
      const answer = await report(token, options);
      assertProblem(answer, 401, "token_malformed");
      await assertOpens(gate, token);
    });
  }

  test("with another body than was signed is refused, and nothing is revoked", async () => {
    const [signed, sent] = [await make(), await make()];
    const bodies = [];
    const list = (token) => JSON.stringify([{ token, type: "gatepass_pat", url: "x" }]);
    const { url, stop } = await startServer(async (request, response) => {
      const body = (await text(request)).replace(signed.token, sent.token);
      bodies.push(body);
      const { host, "content-length": length, ...headers } = request.headers;
      const answer = await fetch(gate.url + request.url, { method: "POST", headers, body });
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(await answer.text());
    });
    const answer = await scanner.report({ url }, [], { body: list(signed.token) });
    await stop();
    assert.deepEqual(bodies, [list(sent.token)]);
    assertProblem(answer, 401, "token_malformed");
    for (const { token } of [signed, sent]) await assertOpens(gate, token);
  });

  test("is refused though the operator sends it", async () => {
    const { token } = await make();
    const authorization = basic("operator", gate.operatorKey);
    const answer = await report(token, { by: other, headers: { authorization } });
    assertProblem(answer, 401, "token_malformed");
    await assertOpens(gate, token);
  });
});

describe("a signed report", () => {
  for (const [what, body, status, code, field] of [
    ["of 1,001 tokens", JSON.stringify(Array(1_001).fill({ token: "x", type: "x" })), 400],
    ["that is no JSON", "token=x", 400],
    ["that is empty", "", 400],
    ["that is no list", '{"token":"x"}', 400],
    ["over 64 KiB", JSON.stringify([{ token: "x".repeat(65_536) }]), 413],
  ]) {
    test(`${what} is refused`, async () => {
      assertProblem(await report([], { body }), status, code ?? "invalid_request", field);
    });
  }

  test("of which a part cannot be read keeps no token from being revoked", async () => {
    const { token } = await make();
    const body = JSON.stringify([{ token: 5 }, "x", { token }]);
    const answer = await report([], { body });
    const labels = answer.body.map(({ label }) => label);
    assert.deepEqual(labels, ["false_positive", "false_positive", "true_positive"]);
    await shut(token);
  });

  test("of nothing is answered by nothing", async () => {
    assertTold(await report([]), []);
  });

  test("may have members that nobody knows yet", async () => {
    const { token } = await make();
    const body = JSON.stringify([{ token, type: "x", score: 1, where: { line: 1 } }]);
    const answer = await report([], { body });
    assert.equal(answer.body[0].label, "true_positive");
    await shut(token);
  });

  test("RFC 9110 §15.5.6: is sent by POST alone", async () => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await fetch(gate.url + PATH, { method });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get("allow"), "POST");
    }
  });
});

describe("a gate", () => {
  test("that cannot have the keys refuses nothing for good: 503", async () => {
    const away = await startScanner();
    const other = await startRawGate({ vars: { LEAK_KEYS_URL: away.url } });
    try {
      const { token } = await other.createToken();
      away.fault = (_, response) => response.writeHead(500).end();
      const answer = await away.report(other, token);
      assertProblem(answer, 503, "store_unavailable");
      assert.equal(answer.headers.get("retry-after"), "5");
      await assertOpens(other, token);
    } finally {
      await Promise.all([other.stop(), away.stop()]);
    }
  });

  test("without LEAK_KEYS_URL takes no reports", async () => {
    const without = await startRawGate();
    try {
      const { token } = await without.createToken();
      const answer = await scanner.report(without, token);
      assertProblem(answer, 404, "invalid_request");
      assert.equal((await fetch(without.url + PATH)).status, 404);
      await assertOpens(without, token);
    } finally {
      await without.stop();
    }
  });
});
