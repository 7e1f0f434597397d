// Embed URLs by the page: what a preview may do, and what is left when something goes wrong.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { launchBrowser } from "../support/browser.mjs";
import { basic } from "../support/tokens.mjs";
import { said, startPage } from "../support/tokens-page.mjs";

const TOKENS = "**/gatepass/api/tokens";

let page, browser, tab;

before(async () => {
  page = await startPage();
  browser = await launchBrowser();
  tab = await page.open(browser);
  await page.signInByKey(tab);
});

after(async () => {
  await browser?.close();
  await page?.stop();
});

afterEach(() => tab.close());

const button = (key) => tab.getByRole("button", { name: said(key), exact: true });

/** Asks for an embed URL for somebody, by the form. */
async function ask(user) {
  tab = await page.open(browser, "#/embeds");
  await tab.getByLabel(said("embed.user")).fill(user);
  await button("embed.create").click();
}

/** The states of somebody's embed tokens, by their names. */
async function statesOf(user) {
  const authorization = basic("operator", page.gate.operatorKey);
  const url = `${page.origin}/gatepass/api/tokens?kind=embed&user=${user}`;
  const { result } = await (await fetch(url, { headers: { authorization } })).json();
  return Object.fromEntries(result.map(({ name, state }) => [name, state]));
}

test("the app in a preview works, and cannot lead the page around it elsewhere", async () => {
  await ask("ada");
  await button("embed.showPreview").click();
  const app = tab.frameLocator("iframe");
  await app.getByText("Signed in as").waitFor();
  const [, frame] = tab.frames();
  const message = await frame.evaluate(() => {
    try {
      window.top.location = "https://elsewhere.example/";
      return "";
    } catch ({ name }) {
      return name;
    }
  });
  assert.equal(message, "SecurityError");
});

test("a preview that was closed before it came is revoked", async () => {
  await ask("ben");
  await button("embed.showPreview").waitFor();
  const revoked = tab.waitForRequest((request) => request.method() === "DELETE");
  await tab.route(TOKENS, async (route) => {
    await pause(500);
    await route.continue();
  });
  await button("embed.showPreview").click();
  await button("close").first().click();
  await (await revoked).response();
  const states = await statesOf("ben");
  assert.equal(states[said("embed.previewName")], "revoked");
  assert.equal(states[said("embed.name", { app: "Jobs board" })], "active");
});

test("a URL that got lost is revoked, and the page says whether it is", async () => {
  for (const [user, isReachable, key, state] of [
    ["cyd", true, "embed.lost", "revoked"],
    ["dan", false, "embed.lostAlive", "active"],
  ]) {
    tab = await browser.newTab();
    let answers = 0;
    await tab.route(TOKENS, async (route) => {
      if (route.request().method() !== "POST" || answers++) return route.continue();
      await route.fetch();
      await route.abort();
    });
    if (!isReachable) {
      await tab.route("**/gatepass/api/tokens/*", (route) => route.abort());
    }
    await tab.goto(`${page.origin}/gatepass/#/embeds`);
    await tab.getByLabel(said("embed.user")).fill(user);
    await button("embed.create").click();
    await button("tryAgain").click();
    await tab.getByText(said(key)).waitFor();
    assert.deepEqual(Object.values(await statesOf(user)), [state]);
    await tab.close();
  }
});
