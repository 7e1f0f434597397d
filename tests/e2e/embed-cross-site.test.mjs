// `SameSite=None` protects nothing: what a page of another site asks of a place carries its cookie.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AS,
  assertPage,
  metadata,
  MODES,
  open,
  openWith,
  mint,
  startEmbedGate,
} from "../support/embeds.mjs";
import { startServer } from "../support/stand-ins.mjs";

const EVIL = "https://evil.example";
const SITES = ["cross-site", "same-site", "none"];
const origin = (value) => [["Origin", value]];

// What reaches the upstream is counted; it answers everybody, as an app with permissive CORS does.
let upstream;
let arrived = 0;
before(async () => {
  upstream = await startServer((request, response) => {
    arrived += 1;
    const headers = {
      "access-control-allow-origin": request.headers.origin ?? "*",
      "access-control-allow-credentials": "true",
      "access-control-allow-headers": "*",
    };
    response.writeHead(200, headers).end("secret");
  });
});
after(() => upstream?.stop());

for (const [mode, EMBED_HOST] of Object.entries(MODES)) {
  describe(`with ${mode}`, () => {
    let gate;
    let visit;
    let tab;
    before(async () => {
      gate = await startEmbedGate({ vars: { EMBED_HOST, UPSTREAM: upstream.url } });
      visit = await open(gate);
      tab = await open(gate, { topLevel: true });
    });
    after(() => gate?.stop());

    async function assertRefused(options, by = visit) {
      const before = arrived;
      const answer = await by.ask("/x", options);
      const where = `${JSON.stringify(options)} ${answer.status} ${answer.text.slice(0, 200)}`;
      assert.equal(answer.status, 403, where);
      assert.equal(arrived, before, "it reached the upstream");
      for (const [name] of answer.headers) assert.doesNotMatch(name, /^access-control/i);
      assert.equal(answer.header("Set-Cookie"), undefined);
      if (/json/.test(answer.header("Content-Type"))) {
        if (options.method !== "HEAD") assert.equal(answer.json().code, "cross_site");
      } else {
        assertPage(answer, 403, "cross_site");
      }
    }

    /** The visit in a folder of the app. */
    const folder = () => ({ ask: (path, options) => visit.ask(`/app${path}`, options) });

    async function assertLetIn(options, by = visit) {
      const answer = await by.ask("/x", options);
      const where = `${JSON.stringify(options)} ${answer.status} ${answer.text.slice(0, 200)}`;
      assert.equal(answer.status, 200, where);
      for (const [name] of answer.headers) assert.doesNotMatch(name, /^access-control/i);
    }

    const withBody = (method) => (["GET", "HEAD", "OPTIONS"].includes(method) ? undefined : "a=b");

    test("a script of another site reads nothing, whatever the upstream's CORS says", async () => {
      for (const site of SITES) {
        for (const kind of ["cors", "no-cors", "same-origin"]) {
          for (const from of [[], origin(EVIL), origin("null"), origin("https://portal.example")]) {
            for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]) {
              const as = metadata("empty", kind, site);
              await assertRefused({ as, headers: from, method, body: withBody(method) });
            }
          }
        }
      }
    });

    test("a preflight of another site is answered by no one", async () => {
      for (const site of ["cross-site", "same-site", "same-origin"]) {
        const headers = [
          ...origin(EVIL),
          ["Access-Control-Request-Method", "PUT"],
          ["Access-Control-Request-Headers", "x-own"],
        ];
        const as = metadata("empty", "cors", site);
        await assertRefused({ as, headers, method: "OPTIONS" });
        // As browsers send it: without a cookie.
        const bare = await visit.ask("/x", { as, headers, method: "OPTIONS", cookie: null });
        assert.ok([401, 403].includes(bare.status));
        assert.equal(bare.header("Access-Control-Allow-Origin"), undefined);
      }
    });

    test("a form of another site posts nothing, into a frame or a tab", async () => {
      for (const site of ["cross-site", "same-site"]) {
        for (const dest of ["iframe", "frame", "document"]) {
          const as = metadata(dest, "navigate", site);
          for (const from of [origin(EVIL), origin("null"), []]) {
            const headers = [["Content-Type", "application/x-www-form-urlencoded"], ...from];
            for (const by of [visit, tab]) {
              await assertRefused({ as, headers, method: "POST", body: "a=b" }, by);
            }
          }
        }
      }
    });

    test("no image, script, style, media, font, worker or object of another site is served", async () => {
      const kinds = ["image", "script", "style", "video", "audio", "font", "track", "manifest"];
      const more = ["object", "embed", "worker", "sharedworker", "report", "xslt"];
      for (const dest of [...kinds, ...more]) {
        for (const site of SITES) {
          const sent = ["object", "embed"].includes(dest) ? "navigate" : "no-cors";
          await assertRefused({ as: metadata(dest, sent, site) });
        }
      }
    });

    test("a service worker of the whole host is nobody's: it would be handed each entry", async () => {
      const worker = metadata("serviceworker", "same-origin", "same-origin");
      const old = [...AS.script, ["Service-Worker", "script"]];
      for (const as of [worker, old]) {
        const inRoot = await visit.ask("/sw.js", { as });
        if (visit.prefix) {
          assert.equal(inRoot.status, 200, "its scope is the place's path");
        } else {
          assert.equal(inRoot.status, 403);
          assert.equal(inRoot.json().code, "invalid_request");
        }
        assert.equal((await visit.ask("/app/sw.js", { as })).status, 200);
        assert.equal((await visit.ask("/app/?/sw.js", { as })).status, 200);
      }
      await assertRefused({ as: metadata("serviceworker", "same-origin", "cross-site") }, folder());
    });

    test("the frame's own navigation by GET is the host page's to make", async () => {
      for (const site of ["cross-site", "same-site", "same-origin", "none"]) {
        for (const dest of ["iframe", "frame"]) {
          await assertLetIn({ as: metadata(dest, "navigate", site) });
          await assertLetIn({ as: metadata(dest, "navigate", site), method: "HEAD" });
        }
      }
    });

    test("a tab is, for a token that is topLevel alone", async () => {
      for (const site of ["cross-site", "same-site", "none"]) {
        const as = metadata("document", "navigate", site);
        await assertLetIn({ as }, tab);
        await assertRefused({ as });
      }
      // A link inside the app that opens a tab is the place's own request.
      await assertLetIn({ as: metadata("document", "navigate", "same-origin") });
    });

    test("what says that it is a frame but does not navigate, or posts, is no navigation", async () => {
      for (const sent of ["no-cors", "cors", "same-origin", "websocket", ""]) {
        await assertRefused({ as: metadata("iframe", sent, "cross-site") });
      }
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        await assertRefused({ as: AS.frame, method, body: withBody(method) });
      }
    });

    test("the place itself may do everything, whatever the method", async () => {
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        for (const kind of ["cors", "no-cors", "same-origin"]) {
          const as = metadata("empty", kind, "same-origin");
          const body = withBody(method);
          await assertLetIn({ as, method, body, headers: origin(visit.origin) });
          if (body === undefined) await assertLetIn({ as, method });
        }
      }
      for (const dest of ["image", "script", "style", "video", "font", "worker", "iframe"]) {
        await assertLetIn({ as: metadata(dest, "no-cors", "same-origin") });
      }
    });

    test("a foreign Origin counts, even where the browser says same-origin", async () => {
      for (const from of [
        EVIL,
        "https://portal.example",
        visit.origin.replace(/:\d+$/, ":1"),
        visit.origin.replace("http:", "https:"),
        `${visit.origin}.evil.example`,
      ]) {
        await assertRefused({ headers: origin(from), method: "POST", body: "a=b" });
        await assertRefused({ headers: origin(from) });
        await assertRefused({ as: AS.frame, headers: origin(from) });
      }
    });

    test("a hidden Origin, as of a form in a page without a Referer, goes by the site", async () => {
      await assertLetIn({ headers: origin("null"), method: "POST", body: "a=b" });
      for (const site of ["cross-site", "same-site", "none"]) {
        const as = metadata("empty", "cors", site);
        await assertRefused({ as, headers: origin("null"), method: "POST", body: "a=b" });
      }
      await assertRefused({ as: [], headers: origin("null"), method: "POST", body: "a=b" });
      await assertRefused({ as: AS.frame, headers: origin("null") });
    });

    test("an unknown word for the site is another site", async () => {
      for (const site of ["", "same-origin, same-origin", "Same-Origin", "x", "same-origin;a"]) {
        await assertRefused({ as: metadata("empty", "cors", site) });
      }
    });

    test("who sends no fetch metadata must at least name the place as its origin", async () => {
      await assertRefused({ as: [] });
      await assertRefused({ as: [], method: "POST", body: "a=b" });
      await assertRefused({ as: [], method: "POST", body: "a=b", headers: origin(EVIL) });
      await assertLetIn({ as: [], method: "POST", body: "a=b", headers: origin(visit.origin) });
      // Half of the headers are no better.
      await assertRefused({
        as: [
          ["Sec-Fetch-Mode", "navigate"],
          ["Sec-Fetch-Dest", "iframe"],
        ],
      });
    });

    test("a Referer from inside the place says nothing", async () => {
      const headers = [["Referer", `${visit.origin}${visit.prefix}/`]];
      await assertRefused({ as: metadata("empty", "cors", "cross-site"), headers });
      await assertRefused({ as: [], headers });
    });

    test("a sibling place is another origin, though its site is the same", async () => {
      const sibling = await openWith(gate, await mint(gate));
      const cookie = `${visit.cookie}; ${sibling.cookie}`;
      if (visit.prefix) {
        // All path places are one web origin: cookies keep sessions apart, and no more is promised.
        const told = await visit.ask("/x", { cookie: sibling.cookie });
        assert.equal(told.json().code, "session_ended");
        return;
      }
      for (const method of ["GET", "POST"]) {
        const headers = origin(sibling.origin);
        const as = metadata("empty", "cors", "same-site");
        await assertRefused({ as, cookie, headers, method, body: withBody(method) });
      }
      await assertRefused({ as: metadata("image", "no-cors", "same-site"), cookie });
      const nested = metadata("iframe", "navigate", "same-site");
      await assertRefused({
        as: nested,
        cookie,
        method: "POST",
        body: "a",
        headers: origin("null"),
      });
    });
  });
}
