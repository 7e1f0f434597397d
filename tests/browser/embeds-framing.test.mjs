// Who may frame an embed, and the host page's own policies.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventsOf, frameIn, launchViewer, startScene } from "../support/embed-scene.mjs";

let scene;
let browser;

before(async () => {
  [scene, browser] = await Promise.all([
    startScene({ own: { permissionsPolicy: "camera=(), fullscreen=(self)" } }),
    launchViewer({ profile: "blocked" }),
  ]);
});

after(() => Promise.all([browser.close(), scene.stop()]));

async function open(t, url) {
  const page = await browser.newTab(url);
  t.after(() => page.close());
  return page;
}

/** Asserts that the browser shows nothing of the gate's in a frame. */
async function assertRefused(frame) {
  assert.match(frame.url(), /^chrome-error:/);
}

const user = (frame) => frame.locator("#user").innerText();

// The SDK takes its time before it gives a silent frame up.
describe("a host page that is not on the list", { concurrency: true }, () => {
  test("gets a refused frame and no word, and spends no token", async (t) => {
    const { embedUrl, id } = await scene.mint();
    const wrong = await open(t, scene.frames("/", { a: embedUrl }, { host: "wrong.test" }));
    await assertRefused(await frameIn(wrong, "a"));
    assert.deepEqual(await wrong.evaluate(() => window.messages), []);
    const { body } = await scene.gate.api("GET", `/tokens/${id}`);
    assert.equal(body.state, "active");
  });

  test("is told origin_not_allowed by the SDK, which shows words of its own", async (t) => {
    const page = await open(t, scene.elements("/sdk", { a: {} }, { host: "wrong.test" }));
    assert.deepEqual(await eventsOf(page, 1, 20_000), ["a error origin_not_allowed"]);
    assert.match(await page.locator("#a [role=alert]").innerText(), /cannot be shown/);
  });

  test("frames in vain the place of a session that another page has opened", async (t) => {
    const right = await open(t, scene.frames("/right", { a: (await scene.mint()).embedUrl }));
    const place = (await frameIn(right, "a")).url();
    const wrong = await open(t, scene.frames("/place", { a: place }, { host: "wrong.test" }));
    const refused = await frameIn(wrong, "a");
    await assertRefused(refused);
    assert.equal(await user(await frameIn(right, "a")), "ada@example.com");
  });

  test("gets nothing by the SDK if it is further out", async (t) => {
    const inner = scene.elements("/inner-sdk", { a: {} });
    const outer = scene.frames("/outer-sdk", { portal: inner }, { host: "outer.test" });
    const portal = await frameIn(await open(t, outer), "portal");
    await portal.getByRole("alert").waitFor();
    assert.match(await portal.getByRole("alert").innerText(), /cannot be shown/);
  });
});

describe("a page further out", () => {
  for (const [listed, outcome] of [
    [false, "that is not on the list gets a refused frame"],
    [true, "that is on the list, too, may frame the host page"],
  ]) {
    test(outcome, async (t) => {
      const hosts = ["portal.test", ...(listed ? ["outer.test"] : [])];
      const allowedOrigins = hosts.map(scene.portal.origin);
      const { embedUrl } = await scene.mint({ allowedOrigins });
      const inner = scene.frames("/inner", { a: embedUrl });
      const outer = scene.frames("/outer", { portal: inner }, { host: "outer.test" });
      const frame = await frameIn(await frameIn(await open(t, outer), "portal"), "a");
      if (listed) assert.equal(await user(frame), "ada@example.com");
      else await assertRefused(frame);
    });
  }
});

describe("the host page's own policies", () => {
  for (const embedder of ["require-corp", "credentialless"]) {
    test(`a page that is cross-origin isolated by ${embedder} may embed`, async (t) => {
      const headers = {
        "cross-origin-embedder-policy": embedder,
        "cross-origin-opener-policy": "same-origin",
      };
      const page = await open(t, scene.elements(`/${embedder}`, { a: {} }, { headers }));
      assert.equal(await page.evaluate(() => window.crossOriginIsolated), true);
      assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
      assert.equal(await user(await frameIn(page, "a")), "ada@example.com");
    });
  }

  test("a strict Content-Security-Policy is enough, as docs/embedding.md has it", async (t) => {
    const { origin } = new URL(scene.gate.url);
    const port = scene.gate.port;
    const policy = [
      "default-src 'none'",
      `script-src ${origin}`,
      `frame-src https://*.embed.test:${port}`,
      "connect-src 'self'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; ");
    const earlier = browser.console.length;
    const headers = { "content-security-policy": policy };
    const page = await open(t, scene.elements("/strict", { a: {} }, { headers }));
    assert.deepEqual(await eventsOf(page, 1), ["a ready"]);
    assert.equal(await user(await frameIn(page, "a")), "ada@example.com");
    assert.deepEqual(browser.console.slice(earlier), []);
  });

  test("permissions are those of the element and of the app's configuration", async (t) => {
    const allow = "fullscreen; camera; geolocation";
    const page = await open(t, scene.elements("/allow", { a: {} }, { allow }));
    await eventsOf(page, 1);
    const features = await (
      await frameIn(page, "a")
    ).evaluate(() =>
      ["fullscreen", "camera", "geolocation", "microphone"].filter((feature) =>
        document.featurePolicy.allowsFeature(feature),
      ),
    );
    assert.deepEqual(features, ["fullscreen", "geolocation"]);
  });
});
