// The SDK and the scripts of Gatepass's own pages, in a real browser and against a gate that does as
// it is told. How they do with the real gate is tested under tests/browser/.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { CHROMIUM_ADVICE, findChromium } from "../scripts/lib/chromium.mjs";
import { findBarriers, historyOf, launchBrowser } from "./support/browser.mjs";
import { startSdkGate } from "./support/sdk-gate.mjs";

const SDK = new URL("../www/embed.js", import.meta.url);
const skip = findChromium() ? false : `There is no browser. ${CHROMIUM_ADVICE}`;

test("the SDK is under 5 KB gzipped, as it is shipped", () => {
  const { length } = gzipSync(readFileSync(SDK), { level: 9 });
  assert.ok(length < 5000, `${length} bytes`);
});

describe("the SDK in a browser", { skip }, () => {
  let browser, gate, page;
  before(async () => {
    browser = await launchBrowser();
    await browser.context.clock.install();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    gate = await startSdkGate();
    page = await browser.newTab();
    browser.console.length = 0;
  });
  afterEach(async () => {
    await browser.context.setOffline(false);
    for (const tab of tabs()) await tab.close();
    await gate.stop();
  });

  /** All but the one that the browser has opened by itself, and that keeps it open. */
  const tabs = () => browser.context.pages().slice(1);
  const visit = () => page.goto(gate.host);
  const events = () => page.evaluate(() => window.events);
  const pass = (time) => browser.context.clock.fastForward(time);
  const embed = (work, argument) => page.locator("#a").evaluate(work, argument);

  /** Waits until these are the events so far, none missing and none more. */
  async function expectEvents(...wanted) {
    const enough = page.waitForFunction((n) => window.events.length >= n, wanted.length);
    await enough.catch(() => {});
    assert.deepEqual(await events(), wanted);
  }

  async function until(what, message = String(what)) {
    for (let tries = 0; tries < 100; tries += 1) {
      const value = await what();
      if (value) return value;
      await new Promise((done) => setTimeout(done, 50));
    }
    assert.fail(`never: ${message}`);
  }

  const frameAt = (path, place = "a") =>
    until(
      () => page.frames().find((frame) => frame.url() === gate.place(place) + path),
      `a frame at ${path}`,
    );
  const appFrame = (place) => frameAt("/", place);
  const keeperFrame = (place = "a") => frameAt(`/gatepass/embed/${place}`, place);

  /** What a viewer and an assistive technology get of each frame in the element. */
  const frames = () =>
    embed((element) =>
      [...element.shadowRoot.querySelectorAll("iframe")].map((frame) => ({
        title: frame.title,
        shown: !frame.inert && getComputedStyle(frame).opacity === "1",
        hidden: frame.ariaHidden === "true" && frame.tabIndex === -1,
        width: frame.getBoundingClientRect().width,
        height: frame.getBoundingClientRect().height,
      })),
    );
  const skeletonShows = () =>
    embed((element) => element.shadowRoot.querySelector("div").checkVisibility());

  /** What the one frame says that an element shows to its viewer. */
  const shownText = async () => {
    for (const frame of page.frames().slice(1)) {
      const owner = await frame.frameElement();
      if (await owner.evaluate((element) => element.getRootNode() !== document && !element.inert))
        return frame.locator("body").innerText();
    }
    return undefined;
  };

  /** Frames come and go meanwhile, so a look may fail. */
  const expectShown = (wanted) =>
    until(async () => wanted.test(await shownText().catch(() => "")), `${wanted} is shown`);

  describe("opening", () => {
    test("a skeleton shows until the app has loaded, then `ready`", async () => {
      let answer;
      gate.backend = () => {
        throw new Error("not yet");
      };
      await visit();
      await expectEvents("a error upstream_unavailable");
      assert.equal(await skeletonShows(), true);
      assert.equal(await embed((element) => element.ariaBusy), "true");
      gate.backend = ({ path }) => ({ body: { embedUrl: (answer = gate.mint(path.slice(1))) } });
      await pass(1000);
      await expectEvents("a error upstream_unavailable", "a ready");
      assert.ok(answer);
      assert.equal(await skeletonShows(), false);
      assert.equal(await embed((element) => element.ariaBusy), "false");
      await expectShown(/App a/);
    });

    test("the endpoint is asked as documented, the keeper is a frame's navigation", async () => {
      await visit();
      await expectEvents("a ready");
      assert.deepEqual(gate.asked, [{ path: "/a", renew: false, topLevel: false }]);
      const [{ url, headers }] = gate.entries;
      assert.equal(url.search, "?personal-access-token=pat_embed_secret1&gp-renew=1");
      assert.equal(headers["sec-fetch-dest"], "iframe");
      assert.equal(headers["sec-fetch-mode"], "navigate");
      assert.equal(headers["sec-fetch-site"], "cross-site");
    });

    test("the token is nowhere in the page, its timings, its history or the console", async () => {
      await visit();
      await expectEvents("a ready");
      const seen = await page.evaluate(() => {
        const html = document.querySelector("gatepass-embed").shadowRoot.innerHTML;
        return html + JSON.stringify(performance.getEntries()) + document.documentElement.outerHTML;
      });
      assert.doesNotMatch(seen, /pat_embed|personal-access-token/);
      assert.doesNotMatch(JSON.stringify([await historyOf(page), browser.console]), /pat_embed/);
      assert.equal((await historyOf(page)).filter((url) => url.startsWith(gate.host)).length, 1);
    });

    test("the app's frame fills the element, the keeper is out of everyone's way", async () => {
      gate.body = `<style>gatepass-embed { width: 700px }</style>
        <gatepass-embed id="a" url-endpoint="/a" frame-title="Jobs" allow="fullscreen"></gatepass-embed>`;
      await visit();
      await expectEvents("a ready");
      const size = { width: 700, height: 480 };
      assert.deepEqual(await frames(), [
        { title: "Jobs", shown: false, hidden: true, ...size },
        { title: "Jobs", shown: true, hidden: false, ...size },
      ]);
      const allowed = await embed((element) =>
        [...element.shadowRoot.querySelectorAll("iframe")].map(({ allow }) => allow),
      );
      assert.deepEqual(allowed, ["", "fullscreen"]);
      assert.deepEqual(await findBarriers(page).then((found) => found.filter(isAboutFrames)), []);
    });

    test("ToolJet's redirectUrl and a bare URL will do; embed() makes the element", async () => {
      gate.body = `<main></main>`;
      await visit();
      await page.evaluate(
        async ([sdk, url]) => {
          const { embed } = await import(sdk);
          const main = document.querySelector("main");
          embed(main, { title: "B", getUrl: () => ({ redirectUrl: url }) }).id = "b";
          embed(main, { resize: true, getUrl: async () => url }).id = "c";
          embed(main, { urlEndpoint: "/a" }).id = "a";
        },
        [`${gate.place("sdk")}/gatepass/embed.js`, gate.mint("b")],
      );
      await page.waitForFunction(() => window.events.length === 3);
      assert.deepEqual((await events()).sort(), ["a ready", "b ready", "c ready"]);
      const html = await page.locator("main").innerHTML();
      assert.match(html, /frame-title="B"/);
      assert.match(html, /resize=""/);
    });

    test("embed() wants one of urlEndpoint and getUrl", async () => {
      await visit();
      const thrown = await page.evaluate(
        async (sdk) => {
          const { embed } = await import(sdk);
          const tries = [{}, { urlEndpoint: "/a", getUrl: () => "" }];
          return tries.map((options) => {
            try {
              return embed(document.body, options).localName;
            } catch (error) {
              return error.name;
            }
          });
        },
        `${gate.place("sdk")}/gatepass/embed.js`,
      );
      assert.deepEqual(thrown, ["TypeError", "TypeError"]);
    });

    test("a strict policy of the host page is enough", async () => {
      gate.csp =
        `default-src 'none'; script-src 'self' ${gate.place("sdk")}; style-src 'self'; ` +
        `connect-src 'self'; frame-src ${gate.place("a")}; ` +
        `require-trusted-types-for 'script'; trusted-types 'none'`;
      gate.body = `<gatepass-embed id="a" url-endpoint="/a" resize></gatepass-embed>`;
      await visit();
      await expectEvents("a ready");
      const app = await appFrame();
      await app.evaluate(() => parent.postMessage({ type: "gatepass-height", height: 700 }, "*"));
      await until(() => embed((element) => element.clientHeight === 700));
      assert.deepEqual(await page.evaluate(() => window.violations), []);
      assert.deepEqual(browser.console.filter(isOurs), []);
    });

    test("two elements in one page do not disturb each other", async () => {
      gate.body = `<gatepass-embed id="a" url-endpoint="/a"></gatepass-embed>
        <gatepass-embed id="b" url-endpoint="/b"></gatepass-embed>`;
      await visit();
      await page.waitForFunction(() => window.events.length === 2);
      assert.deepEqual((await events()).sort(), ["a ready", "b ready"]);
      gate.over = "token_revoked";
      await (await keeperFrame("b")).evaluate(() => dispatchEvent(new Event("online")));
      await page.waitForFunction(() => window.events.length === 3);
      assert.deepEqual((await events()).at(-1), "b ended token_revoked");
      await expectShown(/App a/);
    });
  });

  describe("renewing", () => {
    test("a new session leaves the app's frame untouched", async () => {
      gate.seconds = 100;
      await visit();
      await expectEvents("a ready");
      const app = await appFrame();
      await app.fill("#note", "half a sentence");
      await pass(75_000);
      assert.equal(gate.asked.length, 1);
      await pass(6_000);
      await expectEvents("a ready", "a renewed");
      assert.equal(gate.asked.at(-1).renew, true);
      assert.equal(await app.inputValue("#note"), "half a sentence");
      assert.equal((await frames()).length, 2);
      assert.equal((await historyOf(page)).filter((url) => url.startsWith(gate.host)).length, 1);
    });

    test("an hour's session is renewed five minutes before its end, and not earlier", async () => {
      await visit();
      await expectEvents("a ready");
      gate.seconds = 3600 - 54 * 60;
      await pass(54 * 60_000);
      await new Promise((done) => setTimeout(done, 300));
      assert.equal(gate.asked.length, 1);
      await pass(61_000);
      await expectEvents("a ready", "a renewed");
    });

    test("after sleep the wall clock counts, whatever the timers say", async () => {
      await visit();
      await expectEvents("a ready");
      const woken = await page.evaluate(() => Date.now() + 59 * 60_000);
      await browser.context.clock.setSystemTime(woken);
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      await expectEvents("a ready", "a renewed");
    });

    test("while renewals fail the app stays, until its session has ended; then it comes back", async () => {
      gate.seconds = 100;
      await visit();
      await expectEvents("a ready");
      const app = await appFrame();
      await app.fill("#note", "half a sentence");
      await browser.context.setOffline(true);
      await pass(81_000);
      await new Promise((done) => setTimeout(done, 500));
      await expectEvents("a ready");
      await expectShown(/App a/);
      await pass(20_000);
      await expectEvents("a ready", "a ended session_ended");
      assert.equal(await skeletonShows(), true);
      assert.equal(await shownText(), undefined);
      await browser.context.setOffline(false);
      await page.evaluate(() => dispatchEvent(new Event("online")));
      await expectEvents("a ready", "a ended session_ended", "a renewed");
      assert.equal(await app.inputValue("#note"), "half a sentence");
      await expectShown(/App a/);
    });

    test("a session that ended in the app's frame while the machine slept is opened anew", async () => {
      await visit();
      await expectEvents("a ready");
      const app = await appFrame();
      const woken = await page.evaluate(() => Date.now() + 61 * 60_000);
      await browser.context.clock.setSystemTime(woken);
      gate.appRefusal = "session_ended";
      await app.evaluate(() => location.reload()).catch(() => {});
      await until(() => gate.asked.length === 2);
      gate.appRefusal = undefined;
      await expectEvents("a ready", "a ready");
      await expectShown(/App a/);
    });

    test("another place in the answer is another user's app, and is loaded", async () => {
      gate.seconds = 100;
      await visit();
      await expectEvents("a ready");
      gate.backend = () => ({ body: { embedUrl: gate.mint("b") } });
      await pass(81_000);
      await expectEvents("a ready", "a ready");
      await expectShown(/App b/);
    });

    test("a refused renewal is told, and ends the app only when its session ends", async () => {
      gate.seconds = 100;
      await visit();
      await expectEvents("a ready");
      await page.route("**/session", (route) => route.abort());
      gate.refusal = "token_expired";
      await pass(81_000);
      await expectEvents("a ready", "a error token_expired");
      await expectShown(/App a/);
      gate.appRefusal = "session_ended";
      await pass(20_000);
      await expectEvents("a ready", "a error token_expired", "a ended session_ended");
      await expectShown(/session_ended/);
      assert.equal(gate.asked.length, 2);
    });
  });

  describe("the end", () => {
    test("the watch page says it, and Gatepass's page takes the app's place", async () => {
      await visit();
      await expectEvents("a ready");
      gate.over = gate.appRefusal = "token_revoked";
      await pass(15_500);
      await expectEvents("a ready", "a ended token_revoked");
      await expectShown(/token_revoked/);
      const { looks } = gate;
      await pass(120_000);
      await new Promise((done) => setTimeout(done, 300));
      assert.equal(gate.looks, looks);
      assert.equal(gate.asked.length, 1);
      await expectEvents("a ready", "a ended token_revoked");
    });

    test("an error page in the app's own frame says it", async () => {
      await visit();
      await expectEvents("a ready");
      gate.appRefusal = "session_ended";
      await (await appFrame()).evaluate(() => location.reload()).catch(() => {});
      await expectEvents("a ready", "a ended session_ended");
      await expectShown(/session_ended/);
      assert.equal((await frames()).length, 1);
    });

    test("the watch page asks every 15 s, quietly while there is no answer", async () => {
      await visit();
      await expectEvents("a ready");
      await pass(15_500);
      await until(() => gate.looks === 1);
      gate.down = true;
      await pass(15_500);
      await new Promise((done) => setTimeout(done, 300));
      gate.down = false;
      await pass(15_500);
      await until(() => gate.looks === 2);
      await expectEvents("a ready");
    });
  });

  describe("refusals", () => {
    for (const code of ["token_expired", "token_used", "token_revoked", "kind_mismatch"]) {
      test(`the gate's page for ${code} is shown, and the code told`, async () => {
        gate.refusal = code;
        await visit();
        await expectEvents(`a error ${code}`);
        await expectShown(new RegExp(code));
        const [{ title, shown, hidden }] = await frames();
        assert.deepEqual(
          { title, shown, hidden },
          { title: "Embedded app", shown: true, hidden: false },
        );
        await pass(120_000);
        assert.equal(gate.asked.length, 1);
      });
    }

    test("a store that is down for a moment is tried again", async () => {
      gate.refusal = "store_unavailable";
      await visit();
      await expectEvents("a error store_unavailable");
      assert.equal(await skeletonShows(), true);
      gate.refusal = undefined;
      await pass(1000);
      await expectEvents("a error store_unavailable", "a ready");
    });

    test("an error page in place of the app is told, and is no `ready`", async () => {
      gate.appRefusal = "upstream_unavailable";
      await visit();
      await expectEvents("a error upstream_unavailable");
      await expectShown(/upstream_unavailable/);
      await expectEvents("a error upstream_unavailable");
    });

    test("a list without this origin: origin_not_allowed, and nothing is opened", async () => {
      const body = { embedUrl: gate.mint("a"), allowedOrigins: ["https://portal.example"] };
      gate.backend = () => ({ body });
      await visit();
      await expectEvents("a error origin_not_allowed");
      assert.deepEqual(gate.entries, []);
      assert.match(await page.locator("#a [role=alert]").innerText(), /cannot be shown/);
    });

    test("a list with this origin, or none, is no hindrance", async () => {
      gate.backend = () => ({ body: { embedUrl: gate.mint("a"), allowedOrigins: [gate.host] } });
      await visit();
      await expectEvents("a ready");
      gate.backend = () => ({ body: { embedUrl: gate.mint("a"), allowedOrigins: [] } });
      await visit();
      await expectEvents("a ready");
    });

    test("a frame that the browser refuses says nothing: origin_not_allowed after 10 s", async () => {
      gate.origins = ["https://portal.example"];
      await visit();
      await until(() => gate.entries.length === 1);
      await new Promise((done) => setTimeout(done, 500));
      await expectEvents();
      await pass(10_500);
      await expectEvents("a error origin_not_allowed");
      assert.equal((await frames()).length, 0);
    });

    test("a gate that cannot be reached is silent too, but is tried again", async () => {
      await page.route(`${gate.place("a")}/**`, (route) => route.abort());
      await visit();
      await until(() => gate.asked.length === 1);
      await new Promise((done) => setTimeout(done, 500));
      await pass(10_500);
      await expectEvents("a error upstream_unavailable");
      await page.unroute(`${gate.place("a")}/**`);
      await pass(1000);
      await expectEvents("a error upstream_unavailable", "a ready");
    });
  });

  describe("the endpoint", () => {
    for (const [what, answer, code] of [
      ["a problem's code", { status: 403, body: { code: "token_disabled" } }, "token_disabled"],
      ["404", { status: 404, body: "no" }, "invalid_request"],
      ["a code of its own", { status: 401, body: { code: "sign_in" } }, "invalid_request"],
      ["HTML instead of JSON", { body: "<p>Sign in</p>" }, "invalid_request"],
      ["null", { body: null }, "invalid_request"],
      ["no URL", { body: {} }, "invalid_request"],
      ["a script", { body: { embedUrl: "javascript:alert(1)" } }, "invalid_request"],
      ["a relative URL", { body: { embedUrl: "/embed-apps/jobs" } }, "invalid_request"],
    ]) {
      test(`${what}: ${code}, and no further try`, async () => {
        gate.backend = () => answer;
        await visit();
        await expectEvents(`a error ${code}`);
        await pass(120_000);
        await new Promise((done) => setTimeout(done, 100));
        assert.equal(gate.asked.length, 1);
        assert.deepEqual(gate.entries, []);
      });
    }

    for (const status of [408, 425, 429, 500, 503]) {
      test(`${status} is tried again, told once`, async () => {
        gate.backend = () => ({ status, body: {} });
        await visit();
        await expectEvents("a error upstream_unavailable");
        await pass(1000);
        // Chromium itself sends a request again once that was answered with 408.
        await until(() => gate.asked.length >= 2);
        gate.backend = () => ({ body: { embedUrl: gate.mint("a") } });
        await until(async () => (await pass(2000), (await events()).length === 2));
        await expectEvents("a error upstream_unavailable", "a ready");
      });
    }

    test("the back-off doubles, from 1 s to 60 s, less up to a half", async () => {
      gate.backend = () => ({ status: 503, body: {} });
      await visit();
      await expectEvents("a error upstream_unavailable");
      for (const [index, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
        const asked = gate.asked.length;
        assert.equal(asked, index + 1);
        await new Promise((done) => setTimeout(done, 50));
        await pass(seconds * 500 - 350);
        await new Promise((done) => setTimeout(done, 50));
        assert.equal(gate.asked.length, asked, `no try within ${seconds / 2} s`);
        await pass(seconds * 500 + 350);
        await until(() => gate.asked.length === asked + 1, `a try within ${seconds} s`);
      }
      await expectEvents("a error upstream_unavailable");
    });

    test("Retry-After is kept to, though the browser comes online", async () => {
      gate.backend = () => ({ status: 429, headers: { "retry-after": "90" }, body: {} });
      await visit();
      await expectEvents("a error upstream_unavailable");
      await pass(80_000);
      await page.evaluate(() => dispatchEvent(new Event("online")));
      await new Promise((done) => setTimeout(done, 200));
      assert.equal(gate.asked.length, 1);
      await pass(11_000);
      await until(() => gate.asked.length === 2);
    });

    test("`online` ends a back-off", async () => {
      gate.backend = () => ({ status: 503, body: {} });
      await visit();
      for (const seconds of [1, 2, 4, 8]) {
        const asked = await until(() => gate.asked.length);
        await new Promise((done) => setTimeout(done, 50));
        await pass(seconds * 1000);
        await until(() => gate.asked.length > asked);
      }
      gate.backend = () => ({ body: { embedUrl: gate.mint("a") } });
      await new Promise((done) => setTimeout(done, 50));
      await page.evaluate(() => dispatchEvent(new Event("online")));
      await expectEvents("a error upstream_unavailable", "a ready");
    });

    test("what getUrl throws is told by its code alone", async () => {
      gate.body = `<main></main>`;
      await visit();
      const details = await page.evaluate(
        async (sdk) => {
          const { embed } = await import(sdk);
          const thrown = [
            new Error("at https://x.example/?t=pat_embed_secret"),
            Object.assign(new Error("pat_embed_secret"), { code: "token_revoked" }),
          ];
          const waits = thrown.map((error) => {
            const made = embed(document.body, { getUrl: () => Promise.reject(error) });
            return new Promise((done) => made.addEventListener("error", (e) => done(e.detail)));
          });
          return Promise.all(waits);
        },
        `${gate.place("sdk")}/gatepass/embed.js`,
      );
      assert.deepEqual(
        details.map(({ code }) => code),
        ["upstream_unavailable", "token_revoked"],
      );
      assert.doesNotMatch(JSON.stringify(details), /pat_embed/);
    });
  });

  describe("messages", () => {
    const OPENED = { type: "gatepass", event: "opened", place: "a", expiresIn: 60 };

    test("those of other windows and origins are not heard", async () => {
      gate.body += `<iframe name="stranger" src="${gate.place("stranger")}/"></iframe>`;
      await visit();
      await expectEvents("a ready");
      const stranger = page.frame({ name: "stranger" });
      for (const event of ["error", "opened", "open-tab"]) {
        const message = { ...OPENED, event, code: "token_revoked", url: gate.place("stranger") };
        await stranger.evaluate((data) => parent.postMessage(data, "*"), message);
        await page.evaluate((data) => postMessage(data, "*"), message);
        await page.evaluate((data) => {
          const { shadowRoot } = document.querySelector("#a");
          for (const { contentWindow: source } of shadowRoot.querySelectorAll("iframe")) {
            for (const origin of ["null", location.origin, "http://a.localhost"]) {
              dispatchEvent(new MessageEvent("message", { data, source, origin }));
            }
          }
        }, message);
      }
      await new Promise((done) => setTimeout(done, 200));
      await expectEvents("a ready");
      await expectShown(/App a/);
    });

    test("an `opened` with another origin's URL, a script or no time is not believed", async () => {
      gate.refusal = "store_unavailable"; // a page of the gate's that stays in the next keeper
      await page.route(`${gate.place("a")}/embed-apps/**`, (route) =>
        route.fulfill({ contentType: "text/html", body: "<title>Silent</title>" }),
      );
      await visit();
      const next = await until(() => page.frames().find((frame) => /gp-renew/.test(frame.url())));
      const url = `${gate.place("a")}/`;
      for (const wrong of [
        { url: "https://evil.example/" },
        { url: "javascript:alert(1)" },
        { url: `blob:${gate.place("a")}/x` },
        { url: "/" },
        { url, expiresIn: 0 },
        { url, expiresIn: "soon" },
        { url: undefined },
      ]) {
        const message = { ...OPENED, ...wrong };
        await next.evaluate((data) => parent.postMessage(data, "*"), message);
      }
      await next.evaluate(() => parent.postMessage(null, "*"));
      await new Promise((done) => setTimeout(done, 200));
      assert.deepEqual(await frames().then(({ length }) => length), 1);
      await next.evaluate((data) => parent.postMessage(data, "*"), { ...OPENED, url });
      await expectEvents("a ready");
    });

    test("the app's frame cannot open tabs, nor say that a session is open", async () => {
      gate.seconds = 100;
      await visit();
      await expectEvents("a ready");
      const url = `${gate.place("a")}/`;
      await (
        await appFrame()
      ).evaluate(
        (opened) => {
          parent.postMessage({ type: "gatepass", event: "open-tab" }, "*");
          parent.postMessage({ ...opened, expiresIn: 9999 }, "*");
        },
        { ...OPENED, url },
      );
      await pass(81_000);
      await expectEvents("a ready", "a renewed");
      assert.equal(tabs().length, 1);
    });

    test("with `resize` the app says its height: bounded, in whole pixels, for the page's CSS to overrule", async () => {
      await visit();
      await expectEvents("a ready");
      const app = await appFrame();
      const say = (height) =>
        app.evaluate(
          (height) => parent.postMessage({ type: "gatepass-height", height }, "*"),
          height,
        );
      const height = () => embed((element) => element.clientHeight);
      await say(600);
      await new Promise((done) => setTimeout(done, 100));
      assert.equal(await height(), 480);
      await embed((element) => element.setAttribute("resize", ""));
      await say(612.2);
      await until(async () => (await height()) === 613);
      for (const nonsense of [-5, 0, "tall", NaN, {}, null]) await say(nonsense);
      await (
        await keeperFrame()
      ).evaluate(() => parent.postMessage({ type: "gatepass-height", height: 99 }, "*"));
      await say(1e9);
      await until(async () => (await height()) === 20_000);
      await page.addStyleTag({ content: "gatepass-embed { height: 300px }" });
      assert.equal(await height(), 300);
    });
  });

  describe("blocked cookies", () => {
    test("the page offers a tab, which gets an embed URL of its own", async () => {
      gate.refusal = "cookies_blocked";
      await visit();
      await expectEvents("a error cookies_blocked");
      const refusal = await until(() => page.frames()[1]);
      assert.deepEqual(await findBarriers(refusal), []);
      gate.refusal = undefined;
      const opened = browser.context.waitForEvent("page");
      await refusal.click("#open-tab");
      const other = await opened;
      await other.waitForURL(`${gate.place("a")}/gatepass/embed/a`);
      assert.deepEqual(gate.asked.at(-1), { path: "/a", renew: false, topLevel: true });
      assert.doesNotMatch(gate.entries.at(-1).url.search, /gp-renew/);
      assert.equal(await other.evaluate(() => window.opener), null);
    });

    test("without an embed URL the tab is closed again, and the code told", async () => {
      gate.refusal = "cookies_blocked";
      await visit();
      await expectEvents("a error cookies_blocked");
      gate.backend = () => ({ status: 403, body: { code: "token_disabled" } });
      await page.frames()[1].click("#open-tab");
      await expectEvents("a error cookies_blocked", "a error token_disabled");
      await until(() => tabs().length === 1);
    });

    test("alone, not in a frame, the page offers nothing", async () => {
      gate.refusal = "cookies_blocked";
      await page.goto(gate.mint("a"));
      assert.equal(await page.locator("#open-tab").isVisible(), false);
    });
  });

  describe("the element", () => {
    test("taken out of the page it lets go of everything; put back it starts anew", async () => {
      await visit();
      await expectEvents("a ready");
      const left = await page.evaluate(() => {
        window.kept = document.querySelector("#a");
        window.kept.remove();
        return window.kept.shadowRoot.childNodes.length;
      });
      assert.equal(left, 0);
      await until(() => page.frames().length === 1);
      await pass(7_200_000);
      await page.evaluate(() => dispatchEvent(new Event("online")));
      await new Promise((done) => setTimeout(done, 200));
      assert.equal(gate.asked.length, 1);
      await page.evaluate(() => document.body.append(window.kept));
      await expectEvents("a ready", "a ready");
      assert.equal(gate.asked[1].renew, false);
    });

    test("taken out while the endpoint is asked, nothing comes of the answer", async () => {
      gate.body = "";
      await visit();
      await page.evaluate(
        async ([sdk, url]) => {
          const { embed } = await import(sdk);
          const asked = new Promise((done) => {
            const getUrl = () => (done(), new Promise((answer) => (window.answer = answer)));
            window.made = embed(document.body, { getUrl });
          });
          await asked;
          window.made.remove();
          window.answer(url);
        },
        [`${gate.place("sdk")}/gatepass/embed.js`, gate.mint("a")],
      );
      await new Promise((done) => setTimeout(done, 200));
      assert.deepEqual(gate.entries, []);
      assert.deepEqual(await events(), []);
    });

    test("another url-endpoint starts it anew, the same one does not", async () => {
      await visit();
      await expectEvents("a ready");
      await embed((element) => element.setAttribute("url-endpoint", "/a"));
      await embed((element) => element.setAttribute("url-endpoint", "/b"));
      await expectEvents("a ready", "a ready");
      assert.deepEqual(
        gate.asked.map(({ path }) => path),
        ["/a", "/b"],
      );
      await expectShown(/App b/);
    });

    test("without an endpoint it waits for one", async () => {
      gate.body = `<gatepass-embed id="a"></gatepass-embed>`;
      await visit();
      await new Promise((done) => setTimeout(done, 100));
      assert.deepEqual(gate.asked, []);
      await embed((element) => element.setAttribute("url-endpoint", "/a"));
      await expectEvents("a ready");
    });

    test("the skeleton is still for those who want no motion", async () => {
      gate.backend = () => ({ status: 503, body: {} });
      await page.emulateMedia({ reducedMotion: "reduce" });
      await visit();
      const animation = await embed(
        (element) => getComputedStyle(element.shadowRoot.querySelector("div")).animationName,
      );
      assert.equal(animation, "none");
    });
  });

  describe("Gatepass's own pages", () => {
    for (const colorScheme of ["light", "dark"]) {
      test(`axe finds nothing on a refusal, ${colorScheme} and 320 pixels wide`, async () => {
        gate.refusal = "session_ended";
        await page.setViewportSize({ width: 320, height: 240 });
        await page.emulateMedia({ colorScheme });
        await page.goto(gate.mint("a"));
        assert.deepEqual(await findBarriers(page), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(wide, 320);
      });
    }
  });
});

const isAboutFrames = (line) => line.startsWith("frame");
/** The tab's console also has the browser's own words about failed requests. */
const isOurs = (line) => !/favicon|Failed to load resource/.test(line);
