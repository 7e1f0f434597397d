// What comes of it when somebody leaves, or the network does, while a secret is on its way.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { launchBrowser } from "../support/browser.mjs";
import { basic } from "../support/tokens.mjs";
import { generate, said, shownToken, startPage } from "../support/tokens-page.mjs";

const TOKENS = "**/gatepass/api/tokens";
const LONG = 500;

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

afterEach(async () => {
  await tab.close();
  tab = await page.open(browser);
});

const button = (key) => tab.getByRole("button", { name: said(key), exact: true });
const name = () => tab.getByLabel(said("name"), { exact: true });

/** The names of somebody's tokens, the newest first. */
async function namesOf(user) {
  const authorization = basic("operator", page.gate.operatorKey);
  const url = `${page.origin}/gatepass/api/tokens?user=${user}`;
  const { result } = await (await fetch(url, { headers: { authorization } })).json();
  return result.map(({ name }) => name);
}

/** Has what is posted to a path meet, one after the other, what `fates` says; then nothing. */
async function meet(path, ...fates) {
  await tab.route(path, async (route) => {
    const fate = route.request().method() === "POST" ? fates.shift() : undefined;
    await (fate ? fate(route) : route.continue());
  });
}

const late = async (route) => {
  await pause(LONG);
  await route.continue();
};
const answered = (answer) => async (route) => {
  await route.fetch();
  await (answer ? route.fulfill(answer) : route.abort());
};
const dropped = answered();
const badGateway = answered({ status: 502, contentType: "text/html", body: "Bad Gateway" });
const limited = (route) =>
  route.fulfill({ status: 429, json: { status: 429, code: "rate_limited", detail: "too many" } });

describe("while a token is being made", () => {
  test("Back does not lose it", async () => {
    await meet(TOKENS, late);
    await generate(tab, { owner: "ada" });
    await tab.goBack();
    assert.match(await shownToken(tab), /^pat_/);
  });

  test("Cancel and Escape do not lose the one that a rotation gives", async () => {
    await generate(tab, { owner: "ben" });
    await button("secret.download").click();
    await button("secret.done").click();
    await meet("**/rotate", late);
    await button("rotate").click();
    await button("rotate.confirm").click();
    await button("cancel").click();
    await tab.keyboard.press("Escape");
    assert.match(await shownToken(tab), /^pat_/);
  });
});

describe("where it is not known whether a token was made", () => {
  const outcomes = {
    "the connection dropped": [dropped],
    "something before the gate says 502": [badGateway],
    "a second try was limited": [dropped, limited],
  };
  for (const [outcome, fates] of Object.entries(outcomes)) {
    test(`nothing is made twice: ${outcome}`, async () => {
      const owner = `owner-${fates.length}-${outcome.length}`;
      await meet(TOKENS, ...fates);
      await generate(tab, { name: "once", owner });
      for (const _ of fates) {
        await tab.getByText(said("new.unsure")).waitFor();
        assert.equal(await name().isDisabled(), true);
        await button("tryAgain").click();
      }
      await tab
        .getByRole("dialog")
        .getByText(said("lost.text", { name: "once" }))
        .waitFor();
      assert.deepEqual(await namesOf(owner), ["once"]);
    });
  }

  test("what was written meanwhile is not asked for in its place", async () => {
    await meet(TOKENS, async (route) => {
      await pause(LONG);
      await dropped(route);
    });
    await generate(tab, { name: "first", owner: "cyd" });
    await name().fill("second");
    await button("tryAgain").click();
    await tab
      .getByRole("dialog")
      .getByText(said("lost.text", { name: "first" }))
      .waitFor();
    assert.deepEqual(await namesOf("cyd"), ["first"]);
  });
});
