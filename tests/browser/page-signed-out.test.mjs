// A sign-in that ends: by signing out, by time, or from elsewhere. The page says so, and whoever signs
// in again is where they were.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { launchBrowser } from "../support/browser.mjs";
import { API, byCookie, asking, ok } from "../support/people.mjs";
import { said, startPage } from "../support/tokens-page.mjs";

const NAME = "Known to its owner alone";

let tab, browser, page;

after(() => browser?.close());
before(async () => (browser = await launchBrowser()));

const button = (key) => tab.getByRole("button", { name: said(key), exact: true });
const heading = (name) => tab.getByRole("heading", { level: 1, name, exact: true });
const goTo = (place) => tab.evaluate((place) => void (location.hash = place), place);
const start = async (options) => (page = await startPage(options));

async function assertSignedOut() {
  await heading(said("signIn.title")).waitFor();
  const html = await tab.evaluate(() => document.documentElement.outerHTML);
  for (const text of [NAME, said("nav.new"), said("token.all")]) assert.ok(!html.includes(text));
}

describe("with the operator key", () => {
  let token;
  before(start);
  after(() => page?.stop());

  beforeEach(async () => {
    token = await page.gate.createToken({ name: NAME });
    tab = await page.open(browser);
    await page.signInByKey(tab);
  });
  afterEach(async () => {
    await tab.close();
    await browser.context.clearCookies();
  });

  const cookie = async () => {
    const [{ name, value }] = await browser.context.cookies();
    return `${name}=${value}`;
  };

  /** Ends the sign-in from another client. */
  async function endElsewhere() {
    await ok(asking(page.gate, byCookie(await cookie()))("DELETE", `${API}/sign-in`), 204);
  }

  for (const [where, act] of [
    ["#/workspace/audit", () => goTo("#/workspace/tokens").then(() => goTo("#/workspace/audit"))],
    ["#/workspace/settings", () => button("save").click()],
  ]) {
    test(`one that was ended elsewhere is said, and signing in again leads to ${where}`, async () => {
      await goTo(where);
      await heading(said("workspace.title", { workspace: "default" })).waitFor();
      await endElsewhere();
      await act();
      await tab
        .getByRole("alert")
        .filter({ hasText: said("signIn.ended") })
        .waitFor();
      await assertSignedOut();
      await tab.getByLabel(said("signIn.key"), { exact: true }).fill(page.gate.operatorKey);
      await button("signIn.do").click();
      await heading(said("workspace.title", { workspace: "default" })).waitFor();
      assert.ok(tab.url().endsWith(where));
      assert.equal(await tab.getByText(said("signIn.ended")).count(), 0);
    });
  }

  test("one that ends while a token is revoked is said, and the token is there afterwards", async () => {
    await goTo(`#/tokens/${token.id}`);
    await button("revoke").click();
    await endElsewhere();
    await button("revoke.confirm").click();
    await tab.getByText(said("signIn.ended")).waitFor();
    await assertSignedOut();
    await tab.getByLabel(said("signIn.key"), { exact: true }).fill(page.gate.operatorKey);
    await button("signIn.do").click();
    await heading(NAME).waitFor();
    await button("revoke").waitFor();
  });

  test("whoever signs out is out: their cookie opens nothing, and Back shows nothing", async () => {
    await goTo(`#/tokens/${token.id}`);
    await heading(NAME).waitFor();
    const old = await cookie();
    const before = asking(page.gate, byCookie(old));
    await ok(before("GET", `${API}/tokens`));
    await button("signOut").click();
    await assertSignedOut();
    assert.equal(await tab.getByText(said("signIn.ended")).count(), 0);
    assert.equal((await before("GET", `${API}/tokens`)).status, 401);
    assert.deepEqual(await browser.context.cookies(), []);

    for (const leave of [
      () => tab.goBack(),
      () => tab.goForward(),
      () => tab.reload(),
      () => tab.goto("about:blank").then(() => tab.goBack()),
    ]) {
      await leave();
      await assertSignedOut();
    }
  });

  test("a tab that was left open shows nothing once another has signed out", async () => {
    const other = await page.open(browser);
    await other.getByRole("button", { name: said("signOut") }).click();
    await other.getByRole("heading", { name: said("signIn.title") }).waitFor();
    await other.close();
    await goTo(`#/tokens/${token.id}`);
    await tab
      .getByRole("alert")
      .filter({ hasText: said("signIn.ended") })
      .waitFor();
    await assertSignedOut();
  });
});

describe("with an identity provider", () => {
  before(() => start({ provider: true }));
  after(() => page?.stop());

  afterEach(async () => {
    await tab.close();
    await browser.context.clearCookies();
  });

  for (const [how, end] of [
    ["whose cookie is gone", () => browser.context.clearCookies()],
    ["whose time is over", (person) => page.signIn(browser, { ...person, exp: 1_000_000_000 })],
  ]) {
    test(`a sign-in ${how} is said, and loading again leads to the same place`, async () => {
      const person = await page.signIn(browser);
      const user = { id: person.sub, email: person.email };
      const { id } = await page.gate.createToken({ name: NAME, user });
      tab = await page.open(browser, `#/tokens/${id}`);
      await heading(NAME).waitFor();
      await end(person);
      await button("disable").click();
      await tab
        .getByRole("alert")
        .filter({ hasText: said("signIn.ended") })
        .waitFor();
      await tab.getByText(said("signIn.provider")).waitFor();
      await assertSignedOut();
      await page.signIn(browser, person);
      await button("signIn.again").click();
      await heading(NAME).waitFor();
    });
  }

  test("nobody is told how to sign in who is signed in by the provider", async () => {
    await page.signIn(browser);
    tab = await page.open(browser);
    await heading(said("nav.tokens")).waitFor();
    assert.equal(await button("signOut").count(), 0);
  });
});
