import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { KeysUnavailable } from "../src/worker/keys-unavailable.js";
import { LeakReports, rawSignature } from "../src/worker/leaks.js";
import { generator } from "./support/random.mjs";
import { startServer } from "./support/stand-ins.mjs";

const newPair = (namedCurve = "P-256") => generateKeyPairSync("ec", { namedCurve });
const PAIR = newPair();

const BODY = Buffer.from('[{"token":"pat_x","type":"gatepass","url":"https://example.com/"}]');
const signed = (body, { privateKey } = PAIR) => sign("sha256", body, privateKey).toString("base64");

/** A key as GitHub lists it. */
const listed = (id, { publicKey } = PAIR, current = true) => ({
  key_identifier: id,
  key: publicKey.export({ type: "spki", format: "pem" }),
  is_current: current,
});

/** GitHub's list of keys: `keys` is what it says, unless `answer` does instead. */
async function startKeys(t, ...keys) {
  const github = { keys, answer: undefined, asked: [] };
  const server = await startServer((request, response) => {
    github.asked.push(request);
    if (github.answer) return github.answer(request, response);
    response.end(JSON.stringify({ public_keys: github.keys }));
  });
  t.after(() => server.stop());
  return Object.assign(github, { url: `${server.url}/meta/public_keys/secret_scanning` });
}

beforeEach(() => mock.method(console, "error", () => {}));
afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

describe("GitHub's own example", () => {
  // From the documentation of the secret scanning partner program.
  const id = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c";
  const body = Buffer.from(
    '[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]',
  );
  const signature =
    "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==";
  const key = [
    "-----BEGIN PUBLIC KEY-----",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd",
    "AjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==",
    "-----END PUBLIC KEY-----",
    "",
  ].join("\n");

  test("is verified, and with another byte is not", async (t) => {
    const github = await startKeys(t, listed("other"), { key_identifier: id, key });
    const reports = new LeakReports(github.url);
    assert.equal(await reports.verify(body, id, signature), true);
    assert.equal(
      await reports.verify(Buffer.concat([body, Buffer.from("\n")]), id, signature),
      false,
    );
  });
});

describe("a report", () => {
  test("is good if the named key has signed its bytes", async (t) => {
    const old = newPair();
    const github = await startKeys(t, listed("new"), listed("old", old, false));
    const reports = new LeakReports(github.url);
    for (const body of [BODY, Buffer.alloc(0), randomBytes(100_000)]) {
      assert.equal(await reports.verify(body, "new", signed(body)), true);
      assert.equal(await reports.verify(body, "old", signed(body, old)), true);
      assert.equal(await reports.verify(body, "old", signed(body)), false);
      assert.equal(await reports.verify(randomBytes(9), "new", signed(body)), false);
    }
    const [{ method, headers }] = github.asked;
    assert.equal(method, "GET");
    assert.equal(headers["user-agent"], "gatepass", "GitHub refuses requests without an agent");
  });

  test("whose signature is none is refused without asking for keys", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    const other = sign("sha256", BODY, { key: PAIR.privateKey, dsaEncoding: "ieee-p1363" });
    const wide = sign("sha512", BODY, newPair("P-521").privateKey);
    for (const signature of [
      ...[null, undefined, "", "a", "!", "AAAA", signed(BODY).slice(0, -4), `${signed(BODY)}AA`],
      ...[other.toString("base64"), wide.toString("base64"), "A".repeat(100_000)],
    ]) {
      assert.equal(await reports.verify(BODY, "k1", signature), false, signature);
    }
    for (const id of [null, undefined, ""]) {
      assert.equal(await reports.verify(BODY, id, signed(BODY)), false);
    }
    assert.equal(github.asked.length, 0);
  });

  test("is refused where r or s is zero", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    for (const numbers of [
      [[0], [0]],
      [[0], [1]],
      [[1], [0]],
    ]) {
      const signature = Buffer.from(toDer(...numbers)).toString("base64");
      assert.equal(await reports.verify(BODY, "k1", signature), false);
    }
  });
});

describe("the keys", () => {
  beforeEach(() => mock.timers.enable({ apis: ["Date"] }));
  const report = (reports, id, pair) => reports.verify(BODY, id, signed(BODY, pair));

  test("are asked for once in ten minutes", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    for (let n = 0; n < 3; n++) assert.equal(await report(reports, "k1"), true);
    mock.timers.tick(599_999);
    assert.equal(await report(reports, "k1"), true);
    assert.equal(github.asked.length, 1);
    github.keys = [];
    mock.timers.tick(1);
    assert.equal(await report(reports, "k1"), false);
    assert.equal(github.asked.length, 2);
  });

  test("are asked for again where one is not among them, once in 30 seconds", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    assert.equal(await report(reports, "k1"), true);
    const next = newPair();
    github.keys.push(listed("k2", next));
    mock.timers.tick(29_999);
    assert.equal(await report(reports, "k2", next), false);
    assert.equal(github.asked.length, 1);
    mock.timers.tick(1);
    assert.equal(await report(reports, "k2", next), true);
    for (const id of ["k3", "k4", "__proto__", "constructor"]) {
      assert.equal(await report(reports, id), false);
    }
    assert.equal(github.asked.length, 2);
  });

  const FAILURES = {
    "there is none of 200": (_, response) => response.writeHead(500).end(),
    "they are elsewhere": ({ url }, response) => {
      if (url.startsWith("/meta")) return response.writeHead(302, { location: "/other" }).end();
      response.end(JSON.stringify({ public_keys: [listed("k1")] }));
    },
    "they are no JSON": (_, response) => response.end("<html>"),
    "they are nothing": (_, response) => response.end(),
    "they are no list": (_, response) => response.end('{"public_keys":"k1"}'),
    "one is no object": (_, response) => response.end('{"public_keys":[null]}'),
    "they are over 64 KiB": (_, response) => {
      const whole = JSON.stringify({ public_keys: [listed("k1")] });
      response.end(whole + " ".repeat(65_537 - whole.length));
    },
    "they never end": (_, response) => {
      const more = () => response.write(" ".repeat(16_384), (error) => error ?? setImmediate(more));
      more();
    },
    "the connection ends": (_, response) => response.destroy(),
  };
  for (const [what, answer] of Object.entries(FAILURES)) {
    test(`are unavailable where ${what}`, async (t) => {
      const github = await startKeys(t);
      github.answer = answer;
      const reports = new LeakReports(github.url);
      await assert.rejects(report(reports, "k1"), KeysUnavailable);
      assert.equal(github.asked.length, 1, "redirects are not followed");
    });
  }

  test("may be 64 KiB", async (t) => {
    const github = await startKeys(t);
    const whole = JSON.stringify({ public_keys: [listed("k1")] });
    github.answer = (_, response) => response.end(whole + " ".repeat(65_536 - whole.length));
    assert.equal(await report(new LeakReports(github.url), "k1"), true);
  });

  test("are unavailable where nobody listens", async () => {
    const server = await startServer(() => {});
    await server.stop();
    await assert.rejects(report(new LeakReports(server.url), "k1"), KeysUnavailable);
  });

  for (const [what, begin] of [
    ["the answer", () => {}],
    ["its end", (response) => response.write('{"public_keys":')],
  ]) {
    test(`are unavailable where ${what} takes five seconds`, async (t) => {
      t.mock.timers.enable({ apis: ["AbortSignal.timeout"] });
      const github = await startKeys(t);
      const asked = Promise.withResolvers();
      github.answer = (_, response) => {
        begin(response);
        asked.resolve();
      };
      let rejected = false;
      const verified = report(new LeakReports(github.url), "k1");
      verified.catch(() => (rejected = true));
      await asked.promise;
      t.mock.timers.tick(4_999);
      await new Promise((done) => setTimeout(done, 50));
      assert.equal(rejected, false);
      t.mock.timers.tick(1);
      await assert.rejects(verified, KeysUnavailable);
    });
  }

  test("are unavailable where the named one is none of P-256", async (t) => {
    const key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    const bad = [
      { key_identifier: "k2", key },
      { key_identifier: "k3", key: 5 },
    ];
    const github = await startKeys(t, listed("k1"), ...bad, listed("k4", newPair("P-384")));
    const reports = new LeakReports(github.url);
    assert.equal(await report(reports, "k1"), true);
    for (const id of ["k2", "k3", "k4"]) await assert.rejects(report(reports, id), KeysUnavailable);
  });

  test("that failed to come are asked for again after 30 seconds, and known ones still hold", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    assert.equal(await report(reports, "k1"), true);
    mock.timers.tick(30_000);
    github.answer = FAILURES["there is none of 200"];
    for (let n = 0; n < 3; n++) await assert.rejects(report(reports, "k2"), KeysUnavailable);
    assert.equal(github.asked.length, 2);
    assert.equal(await report(reports, "k1"), true);
    github.answer = undefined;
    mock.timers.tick(29_999);
    await assert.rejects(report(reports, "k2"), KeysUnavailable);
    mock.timers.tick(1);
    assert.equal(await report(reports, "k2"), false);
    assert.equal(github.asked.length, 3);
  });

  test("that are old are not used where new ones cannot be had", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    assert.equal(await report(reports, "k1"), true);
    mock.timers.tick(600_000);
    github.answer = FAILURES["there is none of 200"];
    await assert.rejects(report(reports, "k1"), KeysUnavailable);
    await assert.rejects(report(reports, "k1"), KeysUnavailable);
  });

  test("are asked for once, however many reports come at once", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    const many = ["k1", "k1", ...Array.from({ length: 50 }, (_, n) => `unknown ${n}`)];
    const all = await Promise.all(many.map((id) => report(reports, id)));
    assert.deepEqual(all, [true, true, ...Array(50).fill(false)]);
    assert.equal(github.asked.length, 1);
  });

  test("are asked for once in 30 seconds where they cannot be had, and found when they are back", async (t) => {
    const github = await startKeys(t, listed("k1"));
    const reports = new LeakReports(github.url);
    github.answer = FAILURES["there is none of 200"];
    const all = Array.from({ length: 50 }, () => report(reports, "k1"));
    await Promise.all(all.map((one) => assert.rejects(one, KeysUnavailable)));
    mock.timers.tick(29_999);
    await assert.rejects(report(reports, "k1"), KeysUnavailable);
    assert.equal(github.asked.length, 1);
    github.answer = undefined;
    mock.timers.tick(1);
    assert.equal(await report(reports, "k1"), true);
  });
});

/** A signature in DER, from the digits of r and s. */
function toDer(...numbers) {
  const integers = numbers.flatMap((digits) => {
    const first = digits.findIndex((digit) => digit !== 0);
    const significant = first < 0 ? [0] : digits.slice(first);
    if (significant[0] >= 0x80) significant.unshift(0);
    return [0x02, significant.length, ...significant];
  });
  return [0x30, integers.length, ...integers];
}

const digitsOf = (raw) => [[...raw.subarray(0, 32)], [...raw.subarray(32)]];

describe("X.690 §10.1: a signature's DER", () => {
  test("is what node:crypto makes of any message", () => {
    for (let n = 0; n < 10_000; n++) {
      const body = Buffer.from(`message ${n}`);
      const der = sign("sha256", body, PAIR.privateKey);
      const raw = rawSignature(der);
      const key = { key: PAIR.publicKey, dsaEncoding: "ieee-p1363" };
      assert.ok(verify("sha256", body, key, raw), der.toString("hex"));
      assert.deepEqual(toDer(...digitsOf(raw)), [...der]);
    }
  });

  test("is read for numbers of every length", () => {
    for (let length = 0; length <= 32; length++) {
      for (const first of [0x01, 0x7f, 0x80, 0xff]) {
        const number = [first, ...randomBytes(32)].slice(0, length);
        const padded = [...new Array(32 - length).fill(0), ...number];
        const full = new Array(32).fill(0xff);
        assert.deepEqual([...rawSignature(Buffer.from(toDer(padded, full)))], [...padded, ...full]);
        assert.deepEqual([...rawSignature(Buffer.from(toDer(full, padded)))], [...full, ...padded]);
      }
    }
  });

  for (const [what, hex] of Object.entries({
    nothing: "",
    "a sequence of nothing": "3000",
    "one integer": "3003020101",
    "three integers": "3009020101020101020101",
    "an integer of no bytes": "300502000201 01",
    "a negative r": "3006020180020101",
    "a negative s": "3006020101020180",
    "an r with a zero too many": "300702020001020101",
    "an s with a zero too many": "300702010102020001",
    "zero in two bytes": "300702020000020101",
    "33 bytes": `302602 21 01${"00".repeat(32)}020101`,
    "34 bytes": `302702 22 00ff${"00".repeat(32)}020101`,
    "a byte after the sequence": "300602010102010100",
    "a byte after the integers": "300702010102010100",
    "a sequence that is too long": "3007020101020101",
    "a sequence that is too short": "3005020101020101",
    "an integer that is too long": "3006020101020201",
    "a long form of length": "308106020101020101",
    "a long form of an integer's length": "30070281010102 0101",
    "no definite length": "30800201010201010000",
    "a set": "3106020101020101",
    "bit strings": "3006030101030101",
  })) {
    test(`is not ${what}`, () => {
      assert.equal(rawSignature(Buffer.from(hex.replaceAll(" ", ""), "hex")), undefined);
    });
  }

  test("is the only form of its numbers, however it is changed", () => {
    const random = generator(20_261_122);
    const below = (bound) => Math.floor(random() * bound);
    let read = 0;
    for (let n = 0; n < 100_000; n++) {
      const der = [...sample(below)];
      for (let changes = 1 + below(3); changes > 0; changes--) {
        // The structure is in the first bytes and in the middle.
        const at = below(2) ? below(6) : below(der.length);
        if (below(4) === 0) der.splice(at, 1);
        else if (below(3) === 0) der.splice(at, 0, below(256));
        else der[at] = below(2) ? below(256) : (der[at] + below(3) - 1) & 0xff;
      }
      const raw = rawSignature(Buffer.from(der));
      if (!raw) continue;
      read += 1;
      assert.deepEqual(toDer(...digitsOf(raw)), der);
    }
    assert.ok(read > 1_000, "some changes leave a signature");
  });

  function sample(below) {
    const number = () => Array.from({ length: 1 + below(32) }, () => below(256));
    return toDer(number(), number());
  }
});
