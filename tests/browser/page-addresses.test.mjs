// Whatever stands in the page's address, there is a screen that says what is the matter.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launchBrowser } from "../support/browser.mjs";
import { NOBODY } from "../support/people.mjs";
import { said, startPage } from "../support/tokens-page.mjs";

let browser, page, person, tab;

before(async () => {
  page = await startPage({ provider: true });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await page?.stop();
});

beforeEach(async () => (person = await page.signIn(browser)));
afterEach(async () => {
  await tab.close();
  assert.deepEqual(
    browser.console.filter((line) => line.startsWith("uncaught")),
    [],
  );
});

const heading = (name) => tab.getByRole("heading", { level: 1, name, exact: true });

test("a token that does not exist and somebody else's are told alike", async () => {
  const { id: others } = await page.gate.createToken({ name: "Somebody else's" });
  const screens = [];
  for (const id of [others, NOBODY]) {
    tab = await page.open(browser, `#/tokens/${id}`);
    await tab
      .getByRole("alert")
      .filter({ hasText: said("error.404.token_unknown") })
      .waitFor();
    screens.push(await tab.locator("body").ariaSnapshot());
    await tab.getByRole("link", { name: said("token.all") }).click();
    await heading(said("nav.tokens")).waitFor();
    if (id === others) await tab.close();
  }
  assert.equal(screens[0], screens[1]);
});

test("a workspace that does not exist is told, and there is a way to one that does", async () => {
  tab = await page.open(browser, "?workspace=nowhere#/new");
  await tab
    .getByRole("alert")
    .filter({ hasText: said("error.invalid_field.workspace") })
    .waitFor();
  await tab.getByRole("link", { name: said("workspace.first") }).click();
  await heading(said("nav.tokens")).waitFor();
});

const JUNK = [
  ...["#", "#/", "#//", "#junk", "#/junk/%E0%A4%A", "#/%00", "#/__proto__", "#/constructor/x"],
  ...["#/tokens/", "#/new/junk", "#/embeds", "#/workspace/settings", "#:~:text=junk"],
];
test("an address that means nothing, or nothing for whoever is here, is the list", async () => {
  tab = await page.open(browser);
  for (const junk of JUNK) {
    await tab.goto(`${page.origin}/gatepass/${junk}`);
    await tab.reload();
    const name = said(junk.startsWith("#/new") ? "new.title" : "nav.tokens");
    await heading(name).waitFor();
    assert.equal(await tab.getByRole("alert").count(), 0, junk);
  }
});

const NO_IDS = [
  ...["junk", "self", ".", "..", "%2e%2e%2fsettings", "%E0%A4%A", "..%2f..%2f..%2f", "?user=ada"],
  ...["x".repeat(3000), "%00", "<img src=x onerror=alert(1)>"],
];
test("no token is called so", async () => {
  tab = await page.open(browser);
  for (const id of NO_IDS) {
    await tab.goto(`${page.origin}/gatepass/#/tokens/${id}`);
    await tab
      .getByRole("alert")
      .filter({ hasText: said("error.404.token_unknown") })
      .waitFor();
    await tab.getByRole("link", { name: said("token.all") }).click();
    await heading(said("nav.tokens")).waitFor();
  }
});

test("a place is where it was after loading again, and Back and Forward lead to it", async () => {
  const user = { id: person.sub, email: person.email };
  const { id } = await page.gate.createToken({ name: "Nightly", user });
  tab = await page.open(browser, `#/tokens/${id}`);
  await heading("Nightly").waitFor();
  await tab.reload();
  await heading("Nightly").waitFor();
  await tab.getByRole("link", { name: said("nav.new") }).click();
  await heading(said("new.title")).waitFor();
  await tab.goBack();
  await heading("Nightly").waitFor();
  assert.equal(await tab.title(), said("documentTitle", { screen: said("nav.token") }));
  await tab.goForward();
  await heading(said("new.title")).waitFor();
});
