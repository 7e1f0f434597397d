// The tokens page as the gate serves it: where its files are, and what browsers are told with them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { JOBS, send } from "../support/embeds.mjs";
import { startGate, startRawGate } from "../support/gate.mjs";
import { assertRefused } from "../support/refusals.mjs";
import { makeToken } from "../support/tokens.mjs";

const PLACE = "abcdefghijklmnop";

/** The page's files, below /gatepass, and their types. */
const FILES = {
  "/": "text/html",
  "/page.js": "text/javascript",
  "/page.css": "text/css",
  "/icon.svg": "image/svg+xml",
};
const paths = Object.keys(FILES).map((file) => `/gatepass${file}`);
const beside = paths.slice(1);

const start = (vars) => startRawGate({ vars: { APPS: [JOBS], ...vars } });

/** A request to a gate under whatever host name. */
const at = (gate, host, path, options) => send(gate, `http://${host}:${gate.port}${path}`, options);

/** The directives of a Content-Security-Policy: name → sources. */
const directives = (answer) =>
  Object.fromEntries(
    answer
      .header("Content-Security-Policy")
      .split("; ")
      .map((directive) => directive.match(/^(\S+) (.*)$/).slice(1)),
  );

describe("the tokens page", () => {
  let gate;
  before(async () => (gate = await start({ EMBED_HOST: "*.embed.test" })));
  after(() => gate?.stop());

  const ask = (path, options) => at(gate, "gate.test", path, options);

  test("is there for anybody, each file with its type", async () => {
    for (const [file, type] of Object.entries(FILES)) {
      const answer = await ask(`/gatepass${file}`);
      assert.equal(answer.status, 200, file);
      assert.equal(answer.header("Content-Type").split(";")[0], type);
      assert.deepEqual(answer.headerAll("X-Content-Type-Options"), ["nosniff"]);
      assert.deepEqual(answer.headerAll("Referrer-Policy"), ["no-referrer"]);
      assert.deepEqual(answer.headerAll("Cross-Origin-Resource-Policy"), ["same-origin"]);
      assert.equal(answer.header("Access-Control-Allow-Origin"), undefined);
      assert.equal(answer.header("Set-Cookie"), undefined);
      const head = await ask(`/gatepass${file}`, { method: "HEAD" });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.equal(head.header("Content-Type"), answer.header("Content-Type"));
    }
  });

  test("ASVS 3.4: is neither kept nor framed, and runs nothing but its own files", async () => {
    const answer = await ask("/gatepass/");
    assert.deepEqual(answer.headerAll("Cache-Control"), ["no-store"]);
    assert.deepEqual(answer.headerAll("Cross-Origin-Opener-Policy"), ["same-origin"]);
    assert.deepEqual(answer.headerAll("X-Frame-Options"), ["DENY"]);
    assert.equal(answer.headerAll("Content-Security-Policy").length, 1);
    const { "frame-src": embeds, ...others } = directives(answer);
    assert.ok(embeds);
    const own = ["script", "style", "img", "connect"].map((what) => [`${what}-src`, "'self'"]);
    assert.deepEqual(others, {
      "default-src": "'none'",
      ...Object.fromEntries(own),
      ...{ "form-action": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'" },
      ...{ "require-trusted-types-for": "'script'", "trusted-types": "'none'" },
    });
  });

  test("may use the clipboard, and no device", async () => {
    const policy = (await ask("/gatepass/")).header("Permissions-Policy").split(", ");
    for (const name of ["camera", "microphone", "geolocation", "payment", "usb", "serial"]) {
      assert.ok(policy.includes(`${name}=()`), name);
    }
    assert.deepEqual(
      policy.filter((feature) => !feature.endsWith("=()")),
      ["clipboard-write=(self)"],
    );
  });

  test("has files that are asked for each time, and sent again only if they have changed", async () => {
    for (const path of beside) {
      const first = await ask(path);
      assert.deepEqual(first.headerAll("Cache-Control"), ["no-cache"]);
      const headers = [["If-None-Match", first.header("ETag")]];
      const again = await ask(path, { headers });
      assert.deepEqual([again.status, again.body.length], [304, 0], path);
      assert.deepEqual(again.headerAll("Cache-Control"), ["no-cache"]);
      assert.equal((await ask(path, { headers: [["If-None-Match", '"other"']] })).status, 200);
    }
  });

  test("is found without the slash", async () => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await ask("/gatepass", { method });
      assert.deepEqual([answer.status, answer.header("Location")], [308, "/gatepass/"]);
    }
  });

  test("is found in the workspace that was asked for; a secret goes no further", async () => {
    const secret = `token=${makeToken()}`;
    const location = (query) => ask(`/gatepass?${query}`).then((moved) => moved.header("Location"));
    assert.equal(await location("workspace=acme"), "/gatepass/?workspace=acme");
    assert.equal(await location(`workspace=acme&${secret}`), "/gatepass/?workspace=acme");
  });

  test("is only read", async () => {
    for (const path of ["/gatepass", ...paths]) {
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
        const answer = await ask(path, { method });
        assertRefused(answer, 405, "invalid_request");
        assert.equal(answer.header("Allow"), "GET, HEAD");
      }
    }
  });

  test("has no other name", async () => {
    for (const path of ["//", "/index.html", "/page.js/", "/page.ts", "/Page.js", "/page%2Ejs"]) {
      assertRefused(await ask(`/gatepass${path}`), 404, "invalid_request");
    }
    assert.equal((await ask("/page.js")).status, 401);
  });
});

/** Where embeds live, by what `EMBED_HOST` and `DEVELOPMENT` say. */
const CONFIGURATIONS = [
  [{ EMBED_HOST: "*.embed.example.net" }, "https://*.embed.example.net"],
  [{ EMBED_HOST: "embed.example.net" }, "https://embed.example.net"],
  [{}, "'self'"],
  [{ EMBED_HOST: "*.localhost", DEVELOPMENT: true }, "https://*.localhost http://*.localhost:*"],
  [
    { EMBED_HOST: "embed.localhost", DEVELOPMENT: "true" },
    "https://embed.localhost http://embed.localhost:*",
  ],
  [{ DEVELOPMENT: true }, "'self'"],
];

describe("by the configuration", { concurrency: 2 }, () => {
  for (const [vars, sources] of CONFIGURATIONS) {
    test(`${JSON.stringify(vars)}: the page frames ${sources}`, async (t) => {
      const gate = await start({ DEVELOPMENT: false, ...vars });
      t.after(() => gate.stop());
      assert.equal(directives(await at(gate, "gate.test", "/gatepass/"))["frame-src"], sources);
    });
  }

  for (const [EMBED_HOST, hosts] of [
    ["*.embed.test", [`${PLACE}.embed.test`, "x.embed.test"]],
    ["embed.test", ["embed.test"]],
  ]) {
    test(`no host of ${EMBED_HOST} has the page`, async (t) => {
      const gate = await start({ EMBED_HOST });
      t.after(() => gate.stop());
      for (const host of hosts) {
        const nothing = await at(gate, host, "/gatepass/nothing");
        assert.ok([404, 421].includes(nothing.status));
        for (const path of ["/gatepass", ...paths]) {
          const answer = await at(gate, host, path);
          assert.deepEqual([answer.status, answer.text], [nothing.status, nothing.text], path);
        }
      }
    });
  }

  for (const [DEVELOPMENT, origin] of [
    [false, () => "https://manage.test"],
    [true, ({ port }) => `http://manage.test:${port}`],
  ]) {
    const where = DEVELOPMENT ? "in development with scheme and port" : "by https";
    test(`only the host for people has the page; others say where it is, ${where}`, async (t) => {
      const gate = await start({ MANAGEMENT_HOST: "manage.test", DEVELOPMENT });
      t.after(() => gate.stop());
      for (const path of paths) assert.equal((await at(gate, "manage.test", path)).status, 200);
      const found = await at(gate, "manage.test", "/gatepass");
      assert.deepEqual([found.status, found.header("Location")], [308, "/gatepass/"]);
      for (const host of ["gate.test", "manage.test."]) {
        for (const path of ["/gatepass", "/gatepass/"]) {
          const moved = await at(gate, host, path);
          const expected = [307, `${origin(gate)}/gatepass/`];
          assert.deepEqual([moved.status, moved.header("Location")], expected);
          assert.equal((await at(gate, host, path, { method: "POST" })).status, 405);
        }
        for (const path of beside) {
          assertRefused(await at(gate, host, path), 404, "invalid_request");
        }
      }
      assert.equal((await at(gate, "gate.test", "/gatepass/embed.js")).status, 200);
    });
  }
});

test("the page is there as people run the gate", async (t) => {
  const gate = await startGate();
  t.after(() => gate.stop());
  for (const [file, type] of Object.entries(FILES)) {
    const answer = await send(gate, `${gate.url}/gatepass${file}`);
    assert.equal(answer.status, 200, file);
    assert.equal(answer.header("Content-Type").split(";")[0], type);
    assert.equal(answer.header("Cross-Origin-Resource-Policy"), "same-origin");
    assert.equal(answer.header("Access-Control-Allow-Origin"), undefined);
    const headers = [["If-None-Match", answer.header("ETag")]];
    if (file !== "/") {
      assert.equal(answer.header("Cache-Control"), "no-cache");
      assert.equal((await send(gate, `${gate.url}/gatepass${file}`, { headers })).status, 304);
    } else {
      assert.equal(answer.header("Cache-Control"), "no-store");
    }
  }
});
