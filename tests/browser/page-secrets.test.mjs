// What is shown once is left behind nowhere, and nothing but the page's own script runs in it.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/api.mjs";
import { historyOf, launchBrowser, profileFilesWith } from "../support/browser.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { generate, said, shownToken, startPage } from "../support/tokens-page.mjs";

// So that they can fill it in when the tab comes back.
const KEPT_BY_BROWSERS = "a description that stands in its field";

let page;

before(async () => (page = await startPage()));
after(() => page?.stop());

/** All that a page can find out about itself, and what it keeps. */
const tracesOf = (tab) =>
  tab.evaluate(async () => {
    const fields = [...document.querySelectorAll("input, textarea, select")];
    const databases = await indexedDB.databases();
    return JSON.stringify([
      ...[document.documentElement.outerHTML, fields.map(({ value }) => value)],
      ...[location.href, document.title, document.referrer, document.cookie],
      ...[window.name, history.state, navigation.entries().map((entry) => entry.getState())],
      ...[{ ...localStorage }, { ...sessionStorage }, databases, await caches.keys()],
    ]);
  });

describe("what is shown once", () => {
  let browser, folder, tab, framed;
  const secrets = [];
  const requests = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatepass-secrets-"));
    browser = await launchBrowser({ folder });
    await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    browser.context.on("request", (request) => requests.push(request));
    tab = await page.open(browser);
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const button = (key) => tab.getByRole("button", { name: said(key), exact: true });
  const dialog = () => tab.getByRole("dialog");

  function assertNone(text, where) {
    for (const secret of secrets) assert.ok(!text.includes(secret), where);
  }

  /** Asserts that nothing is left of any secret, in the page or where it came by. */
  async function assertGone() {
    await dialog().waitFor({ state: "detached" });
    assertNone(await tracesOf(tab), "the page");
    assertNone((await historyOf(tab)).join(), "the history");
    assertNone(JSON.stringify(await browser.context.cookies()), "the cookies");
    assertNone(JSON.stringify(await browser.context.storageState()), "the storage");
    assertNone(browser.console.join("\n"), "the console");
  }

  /** Asserts that a secret was in no request, but for so many in their headers. */
  async function assertUnsent(secret, inHeaders = 0) {
    const basic = Buffer.from(`operator:${secret}`).toString("base64");
    let sent = 0;
    for (const request of requests) {
      const text = [request.url(), request.postData()].join("\n");
      assert.ok(!text.includes(secret), request.url());
      const headers = JSON.stringify(await request.allHeaders());
      if (headers.includes(secret) || headers.includes(basic)) sent += 1;
    }
    assert.equal(sent, inHeaders);
  }

  /** A secret that is shown now, as it is and as the value of a field. */
  async function take(label) {
    const value = await dialog().getByLabel(said(label), { exact: true }).inputValue();
    assert.ok(value.includes("pat_"));
    secrets.push(value.slice(value.indexOf("pat_")));
    assert.ok((await tracesOf(tab)).includes(secrets.at(-1)));
  }

  test("the operator key is gone once it has signed in", async () => {
    await page.signInByKey(tab);
    secrets.push(page.gate.operatorKey);
    await assertGone();
  });

  test("a token is gone once its dialog is closed", async () => {
    await generate(tab, { name: "Nightly", owner: "ada@example.com", scopes: ["jobs:read"] });
    await take("secret.token");
    await button("secret.download").click();
    for (const tool of ["powerBi", "excel", "python", "javaScript"]) {
      await tab.getByRole("tab", { name: said(`howTo.${tool}`), exact: true }).click();
    }
    await button("secret.done").click();
    await assertGone();
  });

  test("so is the token that takes its place", async () => {
    await button("rotate").click();
    await button("rotate.confirm").click();
    await take("secret.token");
    await button("copy").click();
    await button("secret.done").click();
    await assertGone();
    assert.notEqual(secrets.at(-1), secrets.at(-2));
  });

  test("so is an embed URL", async () => {
    await tab.getByRole("link", { name: said("nav.embeds"), exact: true }).click();
    await tab.getByLabel(said("embed.user"), { exact: true }).fill("ada@example.com");
    await button("embed.create").click();
    await take("embed.url");
    const [answer] = await Promise.all([
      tab.waitForResponse((answer) => answer.request().method() === "POST"),
      button("embed.showPreview").click(),
    ]);
    framed = (await answer.json()).token;
    await tab.frameLocator("iframe").locator("h1").waitFor();
    secrets.push(framed);
    await dialog()
      .getByRole("button", { name: said("close") })
      .last()
      .click();
    await assertGone();
  });

  test("a token that is left with its dialog open is not there when one comes back", async () => {
    for (const leave of [
      () => tab.goto(`${page.origin}/public/hello`),
      () => tab.goto("about:blank"),
      () => tab.reload(),
    ]) {
      await generate(tab, { name: "Left", owner: "ada@example.com" });
      await take("secret.token");
      tab.once("dialog", (dialog) => dialog.accept());
      await leave();
      if (!tab.url().startsWith(`${page.origin}/gatepass/`)) await tab.goBack();
      await tab.getByRole("heading", { level: 1 }).waitFor();
      await assertGone();
    }
  });

  test("nothing was sent anywhere, but for the key that signed in and the preview's URL", async () => {
    await tab.getByRole("link", { name: said("nav.workspace"), exact: true }).click();
    await tab.getByRole("link", { name: said("workspace.audit"), exact: true }).click();
    await tab
      .getByRole("listitem")
      .filter({ hasText: said("action.token.rotated") })
      .waitFor();
    const isShown = (secret) => secret !== page.gate.operatorKey && secret !== framed;
    assert.equal(secrets.filter(isShown).length, 6);
    await assertUnsent(page.gate.operatorKey, 1);
    for (const secret of secrets.filter(isShown)) await assertUnsent(secret);
  });

  test("none of it is in the browser's profile, even if it is closed with a token on the screen", async () => {
    await generate(tab, { owner: "ada@example.com", description: KEPT_BY_BROWSERS });
    await take("secret.token");
    // As long as it runs, files come and go.
    const files = () => profileFilesWith(folder, KEPT_BY_BROWSERS).catch(() => []);
    await until(async () => (await files()).length > 0, "the browser writes what fields hold");
    await browser.close();
    for (const secret of secrets) assert.deepEqual(await profileFilesWith(folder, secret), []);
  });
});

describe("the page's policy", () => {
  let browser, foreign;

  before(async () => {
    browser = await launchBrowser();
    foreign = await startServer((request, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(
        `<!doctype html><title>Foreign</title><iframe src="${page.origin}/gatepass/"></iframe>`,
      );
    });
  });
  after(async () => {
    await browser?.close();
    await foreign?.stop();
  });

  /** Opens the page as if somebody had put something into its HTML on the way. */
  async function openWith(html) {
    const tab = await browser.newTab();
    await tab.route(`${page.origin}/gatepass/`, async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace("</head>", `${html}</head>`);
      await route.fulfill({ response, body });
    });
    await tab.goto(`${page.origin}/gatepass/`);
    await tab.locator("h1").waitFor();
    return tab;
  }

  const globals = (tab) =>
    tab.evaluate(() => Object.keys(window).filter((name) => /^ran/.test(name)));

  test("runs no script but the page's own", async (t) => {
    const elsewhere = `${foreign.url}/script.js`;
    const tab = await openWith(`
      <script>window.ranInline = true</script>
      <script type="module">window.ranModule = true</script>
      <script src="data:text/javascript,window.ranData=true"></script>
      <script src="${elsewhere}"></script>
      <img src="/none" onerror="window.ranHandler = true">
      <svg onload="window.ranLoad = true"></svg>
      <meta http-equiv="refresh" content="0;url=javascript:window.ranRefresh=true">
      <iframe src="javascript:top.ranFrame = true"></iframe>
      <iframe srcdoc="<script>top.ranSrcdoc = true</script>"></iframe>
      <base href="${foreign.url}/">`);
    t.after(() => tab.close());
    await tab.waitForTimeout(300);
    assert.deepEqual(await globals(tab), []);
    assert.ok(browser.console.some((line) => /Content Security Policy/.test(line)));
    assert.equal(await tab.evaluate(() => document.baseURI), `${page.origin}/gatepass/`);
  });

  test("has no style but the page's own, and asks nobody else for anything", async (t) => {
    const tab = await openWith(`
      <style>h1 { color: rgb(1, 2, 3) }</style>
      <link rel="stylesheet" href="data:text/css,h1{color:rgb(1,2,3)}">
      <link rel="stylesheet" href="${foreign.url}/style.css">`);
    t.after(() => tab.close());
    const colour = await tab.locator("h1").evaluate((h1) => getComputedStyle(h1).color);
    assert.notEqual(colour, "rgb(1, 2, 3)");
    const reached = await tab.evaluate(async (url) => {
      const ways = [
        fetch(url, { mode: "no-cors" }),
        new Promise((done, fail) => {
          const image = Object.assign(new Image(), { src: url, onload: done, onerror: fail });
          document.body.append(image);
        }),
      ];
      return (await Promise.allSettled(ways)).map(({ status }) => status);
    }, `${foreign.url}/`);
    assert.deepEqual(reached, ["rejected", "rejected"]);
  });

  test("lets no script write HTML, not even the page's own", async (t) => {
    const tab = await page.open(browser);
    t.after(() => tab.close());
    const ways = {
      innerHTML: () => (document.body.innerHTML = "<p>x"),
      outerHTML: () => (document.querySelector("h1").outerHTML = "<p>x"),
      insertAdjacentHTML: () => document.body.insertAdjacentHTML("beforeend", "<p>x"),
      write: () => document.write("<p>x"),
      script: () => (document.createElement("script").text = "1"),
      source: () => (document.createElement("script").src = "/gatepass/page.js"),
      parser: () => new DOMParser().parseFromString("<p>x", "text/html"),
      policy: () => trustedTypes.createPolicy("x", { createHTML: (text) => text }),
      timer: () => setTimeout("window.ranTimer = true"),
      // Not from here: what a test calls itself may do so.
      eval: () =>
        new Promise((done, fail) =>
          setTimeout(() => {
            try {
              done(new Function("return 1")());
            } catch (error) {
              fail(error);
            }
          }),
        ),
    };
    for (const [name, way] of Object.entries(ways)) {
      await assert.rejects(tab.evaluate(way), /TypeError|EvalError/, name);
    }
    assert.deepEqual(await globals(tab), []);
  });

  test("shows nothing in a page of another site, or of its own", async (t) => {
    const tab = await browser.newTab(foreign.url);
    t.after(() => tab.close());
    for (const url of [foreign.url, `${page.origin}/public/hello`]) {
      await tab.goto(url);
      await tab.evaluate((src) => {
        if (!document.querySelector("iframe")) {
          document.body.append(Object.assign(document.createElement("iframe"), { src }));
        }
      }, `${page.origin}/gatepass/`);
      await tab.waitForTimeout(500);
      const [, frame] = tab.frames();
      assert.match(frame.url(), /^chrome-error:/);
      assert.equal(
        await frame
          .locator("h1")
          .filter({ hasText: said("signIn.title") })
          .count(),
        0,
      );
    }
  });

  test("lets no page that opened it reach it", async (t) => {
    const tab = await browser.newTab(foreign.url);
    t.after(() => tab.close());
    const [opened] = await Promise.all([
      tab.waitForEvent("popup"),
      tab.evaluate((url) => void (window.other = window.open(url)), `${page.origin}/gatepass/`),
    ]);
    await opened.locator("h1").waitFor();
    assert.equal(await opened.evaluate(() => window.opener === null), true);
    assert.equal(await tab.evaluate(() => window.other.closed), true);
    await opened.close();
  });
});
