// The workspace's settings by the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { launchBrowser } from "../support/browser.mjs";
import { basic } from "../support/tokens.mjs";
import { said, startPage } from "../support/tokens-page.mjs";

test("what another admin has set since the page was opened is not undone by Save", async (t) => {
  const page = await startPage();
  t.after(() => page.stop());
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const tab = await page.open(browser);
  await page.signInByKey(tab);

  const headers = {
    authorization: basic("operator", page.gate.operatorKey),
    "content-type": "application/json",
  };
  const url = `${page.origin}/gatepass/api/settings`;
  const before = await (await fetch(url, { headers })).json();
  const body = JSON.stringify({ ...before, creation: false });
  assert.equal((await fetch(url, { method: "PUT", headers, body })).status, 200);

  await tab.getByRole("link", { name: said("nav.workspace") }).click();
  await tab.getByLabel(said("settings.defaultLifetimeDays")).fill("14");
  await tab.getByRole("button", { name: said("save"), exact: true }).click();
  await tab.getByText(said("saved")).waitFor({ state: "attached" });
  const { creation, defaultLifetimeDays } = await (await fetch(url, { headers })).json();
  assert.deepEqual({ creation, defaultLifetimeDays }, { creation: false, defaultLifetimeDays: 14 });
});
