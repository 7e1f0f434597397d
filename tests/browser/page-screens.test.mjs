// Every screen and dialog of the tokens page: axe finds nothing, in light and dark, on a phone and on a
// desk, and all fits into the width. Screenshots are left in target/screenshots.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findBarriers, launchBrowser } from "../support/browser.mjs";
import { startPages, WALKS } from "../support/page-walk.mjs";
import { misfits } from "../support/tokens-page.mjs";

const FOLDER = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
const SIZES = {
  phone: { width: 320, height: 640 },
  larger: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
};
const PICTURED = ["phone", "desktop"];
const SCHEMES = ["light", "dark"];

// Sizes say nothing about colours, nor the other way round: axe sees each of them once.
const JUDGED = ["phone light", "desktop dark"];

let pages;
let browser;

before(async () => {
  [pages, browser] = await Promise.all([startPages(), launchBrowser()]);
  await mkdir(FOLDER, { recursive: true });
});

after(async () => {
  await browser?.close();
  await pages?.stop();
});

/** Fields for dates that are too narrow for a date. */
const cutDates = (tab) =>
  tab.$$eval("[type^=date]", (fields) =>
    fields
      .filter((field) => {
        const given = field.offsetWidth;
        field.style.width = "max-content";
        const wanted = field.offsetWidth;
        field.style.width = "";
        return given < wanted;
      })
      .map(({ labels: [label] }) => `cut off: ${label.textContent}`),
  );

/** What is wrong with a screen in one size. */
async function faultsIn(tab, size, picture) {
  await tab.setViewportSize(SIZES[size]);
  const narrow = [...(await misfits(tab)), ...(await cutDates(tab))];
  const faults = narrow.map((fault) => `${size}: ${fault}`);
  for (const colorScheme of PICTURED.includes(size) ? SCHEMES : []) {
    await tab.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const look = `${size} ${colorScheme}`;
    const barriers = JUDGED.includes(look) ? await findBarriers(tab) : [];
    faults.push(...barriers.map((fault) => `${look}: ${fault}`));
    await takePicture(tab, `${picture}-${colorScheme}-${size}`, SIZES[size]);
  }
  return faults;
}

/** A screenshot of all of a screen: a dialog gets the height that it would like to have. */
async function takePicture(tab, name, { width, height }) {
  const [dialog] = await tab.$$eval("dialog", (dialogs) =>
    dialogs.map(({ scrollHeight }) => scrollHeight),
  );
  const isTaller = dialog + 32 > height;
  if (isTaller) await tab.setViewportSize({ width, height: dialog + 32 });
  const fullPage = dialog === undefined;
  await tab.screenshot({ path: `${FOLDER}page-${name}.png`, fullPage });
  if (isTaller) await tab.setViewportSize({ width, height });
}

for (const [who, walkThrough] of Object.entries(WALKS)) {
  test(`what is seen: ${who}`, async () => {
    const faults = [];

    async function see(tab, screen) {
      for (const size of Object.keys(SIZES)) {
        const found = await faultsIn(tab, size, `${who}-${screen}`);
        faults.push(...found.map((fault) => `${screen}, ${fault}`));
      }
    }

    await walkThrough({ ...pages, browser, see });
    assert.deepEqual(faults, []);
  });
}
