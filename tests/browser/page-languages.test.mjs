// The tokens page speaks the browser's language: German or English, with the dates and numbers that
// people write there.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { de } from "../../www/page/texts/de.js";
import { en } from "../../www/page/texts/en.js";
import { launchBrowser } from "../support/browser.mjs";
import * as walk from "../support/page-walk.mjs";
import { setSettings } from "../support/settings.mjs";
import { NAMES } from "../support/standings.mjs";
import { misfits, said } from "../support/tokens-page.mjs";

const YEARS = 1095;
const MONTH = { month: "short" };

/** What people get, by their browser's language. */
const LANGUAGES = {
  "de-DE": {
    ...{ lang: "de-DE", catalogue: de, years: "1.095" },
    day: (time) => `${two(time.getDate())}.${two(time.getMonth() + 1)}.${time.getFullYear()}`,
    clock: /, \d\d:\d\d\s/,
  },
  "en-GB": {
    ...{ lang: "en-GB", catalogue: en, years: "1,095" },
    day: (time) => `${time.getDate()} ${time.toLocaleString("en-GB", MONTH)} ${time.getFullYear()}`,
    clock: /, \d\d:\d\d\s/,
  },
  "fr-FR": {
    ...{ lang: "en", catalogue: en, years: "1,095" },
    day: (time) =>
      `${time.toLocaleString("en-US", MONTH)} ${time.getDate()}, ${time.getFullYear()}`,
    clock: /, \d{1,2}:\d\d\s[AP]M\s/,
  },
};

const two = (number) => String(number).padStart(2, "0");

let pages;

before(async () => (pages = await walk.startPages()));
after(() => pages?.stop());

for (const [locale, { lang, catalogue, years, day, clock }] of Object.entries(LANGUAGES)) {
  describe(`a browser in ${locale}`, () => {
    const say = (key, values) => said(key, values, catalogue);
    let browser;
    let tab;
    before(async () => {
      browser = await launchBrowser({ locale });
      await pages.page.signIn(browser, walk.AS_OWNER);
      tab = await pages.page.open(browser);
      await tab.getByRole("link", { name: NAMES.active }).waitFor();
    });
    after(() => browser?.close());

    test(`gets the texts of ${lang}`, async () => {
      assert.equal(await tab.locator("html").getAttribute("lang"), lang);
      assert.equal(await tab.title(), say("documentTitle", { screen: say("nav.tokens") }));
      assert.equal(await tab.locator("h1").innerText(), say("nav.tokens"));
      await tab.getByRole("combobox", { name: say("list.state") }).waitFor();
      const words = await tab.locator(".state").allInnerTexts();
      for (const standing of Object.keys(NAMES)) {
        assert.ok(words.includes(say(`state.${standing}`)), standing);
      }
    });

    test("gets its dates and numbers", async () => {
      const search = `search=${encodeURIComponent(NAMES.active)}&user=${walk.OWNER.id}`;
      const [token] = (await pages.page.gate.api("GET", `/tokens?${search}`)).body.result;
      const row = tab.locator(".token", { hasText: NAMES.active });
      const shown = await row.locator(`time[datetime="${token.expiresAt}"]`).innerText();
      const expected = day(new Date(token.expiresAt));
      assert.ok(shown.startsWith(expected), `${shown}, not ${expected}`);
      assert.match(shown.slice(expected.length), clock);

      await setSettings(pages.page.gate, "default", { defaultLifetimeDays: YEARS });
      const form = await pages.page.open(browser, "#/new");
      const choice = form.getByRole("radio", { name: say("new.days", { count: years }) });
      assert.ok(await choice.isChecked());
      await setSettings(pages.page.gate, "default");
    });
  });
}

describe("the German page", () => {
  let browser;
  before(async () => (browser = await launchBrowser({ locale: "de-DE" })));
  after(() => browser?.close());

  for (const [who, walkThrough] of Object.entries(walk.WALKS)) {
    test(`fits into 320 px: ${who}`, async () => {
      const faults = [];
      const see = async (tab, screen) => {
        await tab.setViewportSize({ width: 320, height: 640 });
        faults.push(...(await misfits(tab)).map((fault) => `${screen}: ${fault}`));
      };
      const say = (key, values) => said(key, values, de);
      await walkThrough({ ...pages, browser, say, see });
      assert.deepEqual(faults, []);
    });
  }
});
