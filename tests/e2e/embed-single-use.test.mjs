import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AS,
  assertIn,
  assertPage,
  enter,
  maxAge,
  metadata,
  mint,
  openWith,
  PORTAL,
  startEmbedGate,
} from "../support/embeds.mjs";
import { keyOf } from "../support/tokens.mjs";
import { until } from "../support/api.mjs";

let gate;
before(async () => (gate = await startEmbedGate({ second: true })));
after(() => gate?.stop());

const CROSS = [["Sec-Fetch-Site", "cross-site"]];

/** What opens no session, for a token of either kind, whatever it may open otherwise. */
const NEVER = [
  ["a prefetch", [...AS.frame, ["Sec-Purpose", "prefetch"]]],
  ["a prerender", [...AS.frame, ["Sec-Purpose", "prefetch;prerender"]]],
  ["an anonymous prefetch", [...AS.frame, ["Sec-Purpose", "prefetch;anonymous-client-ip"]]],
  ["an old browser's prefetch", [...AS.frame, ["Purpose", "prefetch"]]],
  ["a scanner's prefetch", [["Purpose", "prefetch"]]],
  ["a fetch by a script", metadata("empty", "cors", "cross-site")],
  ["a fetch by a script without CORS", metadata("empty", "no-cors", "cross-site")],
  ["a fetch of the place's own", AS.script],
  ["an <embed>", metadata("embed", "navigate", "cross-site")],
  ["an <object>", metadata("object", "navigate", "cross-site")],
  ["an <img>", metadata("image", "no-cors", "cross-site")],
  ["a <script>", metadata("script", "no-cors", "cross-site")],
  ["a frame that does not navigate", metadata("iframe", "no-cors", "cross-site")],
  ["a web identity request", metadata("webidentity", "no-cors", "cross-site")],
  ["an unknown destination", metadata("portal", "navigate", "cross-site")],
  ["half of a browser's headers", CROSS],
  ["a destination alone", [["Sec-Fetch-Dest", "iframe"]]],
  ["a mode alone", [["Sec-Fetch-Mode", "navigate"]]],
];

const TOP_LEVEL = [
  ["a typed address", metadata("document", "navigate", "none")],
  ["a link on another site", metadata("document", "navigate", "cross-site")],
  ["a link on the same site", metadata("document", "navigate", "same-site")],
];

const EMBEDDED = [
  ["an iframe of another site", AS.frame],
  ["an iframe of the same site", metadata("iframe", "navigate", "same-site")],
  ["an iframe of the place itself", metadata("iframe", "navigate", "same-origin")],
  ["a <frame>", metadata("frame", "navigate", "cross-site")],
];

for (const singleUse of [true, false]) {
  describe(`a token that is ${singleUse ? "" : "not "}for single use`, () => {
    for (const [name, headers] of [...NEVER, ...TOP_LEVEL]) {
      test(`is opened by no ${name.replace(/^an? /, "")}, and is not spent by it`, async () => {
        const token = await mint(gate, { singleUse });
        for (const method of ["GET", "HEAD"]) {
          const answer = await enter(gate, token.embedUrl, { as: headers, method });
          assert.equal(answer.status, 400, answer.text.slice(0, 200));
          assert.equal(answer.header("Set-Cookie"), undefined);
          assert.equal(answer.header("Location"), undefined);
        }
        await openWith(gate, token);
      });
    }

    for (const [name, headers] of EMBEDDED) {
      test(`is opened by ${name}`, async () => {
        const { embedUrl } = await mint(gate, { singleUse });
        const answer = await enter(gate, embedUrl, { as: headers });
        assert.equal(answer.status, 303, answer.text.slice(0, 200));
      });
    }

    test("shows a person who follows the link what it is for", async () => {
      const { embedUrl } = await mint(gate, { singleUse });
      const answer = await enter(gate, embedUrl, { as: AS.tab });
      assertPage(answer, 400, "invalid_request");
      assert.match(answer.text, /made to be shown inside another page/);
    });

    test("that is topLevel opens in a tab too, but neither in an object nor ahead", async () => {
      const fields = { singleUse, topLevel: true };
      for (const [, headers] of [...TOP_LEVEL, ...EMBEDDED]) {
        const { embedUrl } = await mint(gate, fields);
        const entry = await enter(gate, embedUrl, { as: headers });
        assert.equal(entry.status, 303, entry.text.slice(0, 200));
      }
      const token = await mint(gate, fields);
      for (const [name, headers] of NEVER) {
        const answer = await enter(gate, token.embedUrl, { as: headers });
        assert.equal(answer.status, 400, name);
      }
      const ahead = [...AS.tab, ["Sec-Purpose", "prefetch"]];
      assertPage(await enter(gate, token.embedUrl, { as: ahead }), 400, "invalid_request", []);
      await openWith(gate, token);
    });
  });
}

describe("who sends no fetch metadata may be a scanner of links", () => {
  test("so it does not spend a token for single use", async () => {
    for (const topLevel of [false, true]) {
      const token = await mint(gate, { singleUse: true, topLevel });
      for (const headers of [[], [["User-Agent", "Mozilla/5.0 SafeLinks"]]]) {
        const answer = await enter(gate, token.embedUrl, { as: headers });
        assertPage(answer, 400, "invalid_request");
      }
      await openWith(gate, token);
    }
  });

  test("but may be an old browser, so it opens another token", async () => {
    const { embedUrl } = await mint(gate);
    const entry = await enter(gate, embedUrl, { as: [] });
    assert.equal(entry.status, 303);
    assert.match(entry.header("Set-Cookie"), /^__Host-gp-/);
    assert.equal((await enter(gate, embedUrl, { as: [], method: "HEAD" })).status, 400);
  });
});

describe("a host page that is not on the token's list", () => {
  for (const singleUse of [true, false]) {
    test(`is refused, and spends nothing, by a token ${singleUse ? "" : "not "}for single use`, async () => {
      const token = await mint(gate, { singleUse });
      const own = new URL(token.embedUrl).origin;
      for (const referer of [
        "https://evil.example/",
        "https://evil.example/portal.example",
        `${PORTAL}.evil.example/`,
        `${PORTAL}:8443/`,
        PORTAL.replace("https:", "http:"),
        "https://portal.example@evil.example/",
        "about:blank",
        "x",
      ]) {
        const headers = [["Referer", referer]];
        const answer = await enter(gate, token.embedUrl, { headers });
        assertPage(answer, 403, "origin_not_allowed");
      }
      for (const referer of [PORTAL, `${PORTAL}/page?a=b`, `${own}/`]) {
        const fresh = await mint(gate, { singleUse, user: token.user });
        const headers = [["Referer", referer]];
        assert.equal((await enter(gate, fresh.embedUrl, { headers })).status, 303, referer);
      }
      // A host page that names itself nowhere is met by frame-ancestors.
      await openWith(gate, token);
    });
  }

  test("is no matter for a tab of a topLevel token", async () => {
    const { embedUrl } = await mint(gate, { topLevel: true });
    const headers = [["Referer", "https://mail.example/"]];
    const entry = await enter(gate, embedUrl, { as: AS.tab, headers });
    assert.equal(entry.status, 303);
  });
});

describe("a token for single use", () => {
  test("opens once, and then says that it was used", async () => {
    const token = await mint(gate, { singleUse: true });
    const visit = await openWith(gate, token);
    for (let i = 0; i < 3; i++) {
      assertPage(await enter(gate, token.embedUrl), 401, "token_used");
    }
    await assertIn(visit);
    const shown = await gate.api("GET", `/tokens/${token.id}`);
    assert.equal(shown.body.state, "used");
    assert.equal(shown.body.singleUse, true);
    const key = keyOf(token.token);
    await until(() => JSON.parse(gate.kv.values.get(key)).st === "u", "the record in KV");
  });

  test("is not spent by a request that opens nothing, whatever KV thinks of it", async () => {
    const token = await mint(gate, { singleUse: true });
    await enter(gate, token.embedUrl, { method: "POST", body: "a" });
    await enter(gate, token.embedUrl, { as: [] });
    await enter(gate, `http://127.0.0.1:${gate.port}${new URL(token.embedUrl).pathname}`);
    const shown = await gate.api("GET", `/tokens/${token.id}`);
    assert.equal(shown.body.state, "active");
  });

  test("with gp-renew is spent too", async () => {
    const token = await mint(gate, { singleUse: true });
    const renewed = await enter(gate, `${token.embedUrl}&gp-renew=1`);
    assert.equal(renewed.status, 303);
    assertPage(await enter(gate, `${token.embedUrl}&gp-renew=1`), 401, "token_used");
  });

  test("that one isolate has seen used is used up for another, whatever that believes", async () => {
    const token = await mint(gate, { singleUse: true });
    const reads = () => gate.kv.reads.filter((key) => key === keyOf(token.token)).length;
    // The other isolate reads the record while it is still good.
    assert.equal((await enter(gate, token.embedUrl, { as: AS.tab, port: second() })).status, 400);
    assert.equal(reads(), 1);
    await openWith(gate, token);
    const before = reads();
    const again = await enter(gate, token.embedUrl, { port: second() });
    assert.equal(reads(), before, "it still believes what it has read");
    assertPage(again, 401, "token_used");
  });

  test("works once out of 100 simultaneous tries, ten times over", async () => {
    for (let round = 0; round < 10; round++) await race(100);
  });

  test("works once out of 1,000 tries, 200 at a time", { timeout: 120_000 }, async () => {
    await race(1000, 200);
  });
});

/** The port of the second isolate. */
const second = () => gate.ports.second;

/**
 * Tries to open one token so many times, at two isolates: one opens it, all others are told that it
 * was used.
 */
async function race(tries, atATime = tries) {
  const token = await mint(gate, { singleUse: true });
  const answers = [];
  let left = tries;
  const runner = async () => {
    while (left-- > 0) {
      const port = left % 2 ? gate.port : second();
      answers.push(await enter(gate, token.embedUrl, { port, timeout: 60_000 }));
    }
  };
  await Promise.all(Array.from({ length: atATime }, runner));
  assert.equal(answers.length, tries);
  const opened = answers.filter(({ status }) => status === 303);
  assert.equal(opened.length, 1, JSON.stringify(answers.map(({ status }) => status)));
  assert.ok(maxAge(opened[0].header("Set-Cookie")) > 0);
  for (const answer of answers) {
    if (answer !== opened[0]) assertPage(answer, 401, "token_used");
  }
}
