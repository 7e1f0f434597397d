// The tokens page for people who look at it otherwise: enlarged, with more space in the text, with
// colours of their own or none, without motion.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launchBrowser } from "../support/browser.mjs";
import * as walk from "../support/page-walk.mjs";
import { NAMES } from "../support/standings.mjs";
import { misfits, said } from "../support/tokens-page.mjs";

/** A window of 1280 by 1024 at 400 %. */
const ENLARGED = { width: 320, height: 256, deviceScaleFactor: 4, mobile: false };

/** What WCAG 1.4.12 says that text has to bear. */
const SPACING = `* {
    line-height: 1.5 !important;
    letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important;
  }
  p { margin-bottom: 2em !important; }`;

const STANDINGS = Object.keys(NAMES);

let pages;
let browser;

before(async () => {
  [pages, browser] = await Promise.all([walk.startPages(), launchBrowser()]);
});

after(async () => {
  await browser?.close();
  await pages?.stop();
});

/** All faults that `look` finds on a walk. */
async function faultsOn(walkThrough, look) {
  const faults = [];
  const see = async (tab, screen) => {
    faults.push(...(await look(tab)).map((fault) => `${screen}: ${fault}`));
  };
  await walkThrough({ ...pages, browser, see });
  return faults;
}

/** A tab with tokens of every standing. */
async function openList(t, media) {
  await pages.page.signIn(browser, walk.AS_OWNER);
  const tab = await pages.page.open(browser);
  t.after(() => tab.close());
  await tab.emulateMedia(media);
  await tab.locator(".token").first().waitFor();
  return tab;
}

describe("at 400 %", () => {
  /** Enlarges, goes through all that can have the focus, and answers what cannot, or is hidden then. */
  async function enlarged(tab) {
    await enlarge(tab);
    const hidden = [];
    let stops = 0;
    for (let left = await tab.evaluate(markStops); left > 0; stops++) {
      if (stops > 150) break;
      await tab.keyboard.press("Tab");
      const stop = await tab.evaluate(lookAtFocus);
      if (stop.isHidden) hidden.push(`hidden: ${stop.html}`);
      left = stop.left;
    }
    const unreached = await tab.$$eval("[data-stop]", (elements) =>
      elements.map(({ outerHTML }) => `not reached: ${outerHTML}`),
    );
    return [...(await misfits(tab)), ...hidden, ...unreached];
  }

  /** Holds as long as the connection to the tab's tools does. */
  async function enlarge(tab) {
    const height = () => tab.evaluate(() => innerHeight * devicePixelRatio);
    if ((await height()) === 1024) return;
    const devtools = await tab.context().newCDPSession(tab);
    await devtools.send("Emulation.setDeviceMetricsOverride", ENLARGED);
    assert.equal(await height(), 1024);
  }

  /** Marks what has to get the focus: answers how much that is. */
  function markStops() {
    const within = document.querySelector("dialog") ?? document.body;
    const stops = [...within.querySelectorAll("a, button, input, select, textarea, summary, pre")]
      .filter((element) => element.checkVisibility() && !element.matches(":disabled"))
      .filter(({ tabIndex }) => tabIndex === 0)
      // Of a group of radio buttons only the chosen one has it.
      .filter(({ type, checked }) => type !== "radio" || checked);
    for (const stop of stops) stop.dataset.stop = "";
    return stops.length;
  }

  /** Takes the mark from what has the focus, and answers whether less than a line of it is seen. */
  function lookAtFocus() {
    const element = document.activeElement;
    delete element.dataset.stop;
    const left = document.querySelectorAll("[data-stop]").length;
    if (element === document.body) return { left };
    const box = element.getBoundingClientRect();
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    const shown = document.elementFromPoint((box.left + box.right) / 2, (top + bottom) / 2);
    const isThere = element.contains(shown) || shown?.contains(element);
    return { left, isHidden: !isThere || bottom - top < 16, html: element.outerHTML };
  }

  for (const [who, walkThrough] of [
    ["user", walk.walkAsUser],
    ["admin", walk.walkAsAdmin],
  ]) {
    test(`all can be read, reached by keyboard and pressed, and what has the focus is seen: ${who}`, async () => {
      assert.deepEqual(await faultsOn(walkThrough, enlarged), []);
    });
  }

  test("a dialog that is higher than the window scrolls to its end", async (t) => {
    const tab = await openList(t);
    await enlarge(tab);
    await tab.getByRole("link", { name: NAMES.active }).first().click();
    await tab.getByRole("button", { name: said("rotate"), exact: true }).click();
    const dialog = tab.getByRole("dialog");
    const cancel = dialog.getByRole("button", { name: said("cancel") });
    const heights = await dialog.evaluate((element) => [
      element.scrollHeight,
      element.clientHeight,
    ]);
    assert.ok(heights[0] > heights[1], `${heights}`);
    await dialog.hover();
    await tab.mouse.wheel(0, 1000);
    await tab.waitForFunction(() => document.querySelector("dialog").scrollTop > 0);
    const { y, height } = await cancel.boundingBox();
    assert.ok(y >= 0 && y + height <= ENLARGED.height, `${y} ${height}`);
  });
});

describe("with the text spacing of WCAG 1.4.12", () => {
  async function spaced(tab) {
    await tab.evaluate((css) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      document.adoptedStyleSheets = [sheet];
    }, SPACING);
    const faults = [];
    for (const width of [320, 1280]) {
      await tab.setViewportSize({ width, height: 800 });
      const found = [...(await misfits(tab)), ...(await tab.evaluate(collisions))];
      faults.push(...found.map((fault) => `${width} px: ${fault}`));
    }
    return faults;
  }

  /** Texts that are cut off by what they are in, or lie over another. */
  function collisions() {
    const within = document.querySelector("dialog") ?? document.body;
    const texts = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
    const range = new Range();
    const found = [];
    const boxes = [];
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (text.parentElement.closest(".hidden, .skip, option") || !text.data.trim()) continue;
      range.selectNodeContents(text);
      const holder = text.parentElement.closest("button, .button, .state, nav a, pre, li, dialog");
      const around = holder?.getBoundingClientRect();
      for (const box of range.getClientRects()) {
        if (around && (box.left < around.left - 1 || box.right > around.right + 1)) {
          found.push(`cut off: ${text.data}`);
        }
        boxes.push({ text, box });
      }
    }
    for (const [at, { text, box }] of boxes.entries()) {
      for (const { text: other, box: others } of boxes.slice(at + 1)) {
        if (text === other) continue;
        const width = Math.min(box.right, others.right) - Math.max(box.left, others.left);
        const height = Math.min(box.bottom, others.bottom) - Math.max(box.top, others.top);
        if (width > 1 && height > 3) found.push(`one over the other: ${text.data}, ${other.data}`);
      }
    }
    return found;
  }

  for (const [who, walkThrough] of [
    ["user", walk.walkAsUser],
    ["admin", walk.walkAsAdmin],
  ]) {
    test(`nothing is cut off and no text lies over another: ${who}`, async () => {
      assert.deepEqual(await faultsOn(walkThrough, spaced), []);
    });
  }
});

describe("motion", () => {
  /** How much moves when the pointer comes over the first button. */
  async function movements(tab) {
    await tab
      .getByRole("link", { name: said("nav.new") })
      .first()
      .hover();
    return tab.evaluate(() => document.getAnimations().length);
  }

  test("there is none for who wants none", async (t) => {
    const tab = await openList(t, { reducedMotion: "reduce" });
    assert.equal(await movements(tab), 0);
    const moving = await tab.$$eval("*", (elements) =>
      elements
        .map((element) => getComputedStyle(element))
        .filter((style) => style.transitionDuration !== "0s" || style.animationName !== "none")
        .map((style) => style.transitionProperty),
    );
    assert.deepEqual(moving, []);
  });

  test("there is some for others", async (t) => {
    const tab = await openList(t, { reducedMotion: "no-preference" });
    assert.ok((await movements(tab)) > 0);
  });
});

/** Mark, word and border of each standing in the list. */
const marksIn = async (tab) =>
  Object.fromEntries(
    await Promise.all(
      STANDINGS.map(async (standing) => {
        const state = tab.locator(".token .state", { hasText: said(`state.${standing}`) });
        const shown = await state.first().evaluate((element) => ({
          mark: getComputedStyle(element, "::before").content,
          word: element.textContent,
          color: getComputedStyle(element).color,
          border: getComputedStyle(element).borderTopColor,
        }));
        return [standing, shown];
      }),
    ),
  );

test("states are told apart by a word and a mark, not by colour alone", async (t) => {
  const shown = await marksIn(await openList(t));
  assert.equal(new Set(Object.values(shown).map(({ word }) => word)).size, STANDINGS.length);
  const marks = Object.values(shown).map(({ mark }) => mark);
  for (const mark of marks) assert.match(mark, /^"\S"/);
  for (const standing of ["active", "expiring", "disabled", "used"]) {
    const same = marks.filter((mark) => mark === shown[standing].mark);
    assert.equal(same.length, 1, standing);
  }
});

describe("with forced colours", () => {
  test("the marks of states are there, in one colour", async (t) => {
    const usual = await marksIn(await openList(t));
    const forced = await marksIn(await openList(t, { forcedColors: "active" }));
    assert.equal(new Set(Object.values(forced).map(({ color }) => color)).size, 1);
    for (const standing of STANDINGS) {
      assert.equal(forced[standing].mark, usual[standing].mark);
      assert.equal(forced[standing].border, forced[standing].color);
    }
  });

  test("the current screen and the chosen tab are told apart from others", async (t) => {
    const tab = await openList(t, { forcedColors: "active" });
    const lines = (elements) =>
      elements.map((element) => [
        element.matches("[aria-current], [aria-selected=true]"),
        getComputedStyle(element).borderBottomColor,
      ]);
    const assertToldApart = (found) => {
      const [[, chosen], ...more] = found.filter(([isChosen]) => isChosen);
      assert.deepEqual(more, []);
      const others = found.filter(([isChosen]) => !isChosen).map(([, color]) => color);
      assert.ok(others.length > 0 && !others.includes(chosen), `${chosen}: ${others}`);
    };
    assertToldApart(await tab.$$eval("nav a", lines));
    await tab.getByRole("link", { name: NAMES.active }).first().click();
    await tab.getByRole("button", { name: said("rotate"), exact: true }).click();
    await tab.getByRole("button", { name: said("rotate.confirm") }).click();
    await tab.getByRole("tablist").waitFor();
    assertToldApart(await tab.$$eval("[role=tab]", lines));
  });

  test("what has the focus has a line around it", async (t) => {
    const tab = await openList(t, { forcedColors: "active" });
    const lineOf = (locator) =>
      locator.evaluate((element) => {
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
        const { backgroundColor } = getComputedStyle(document.body);
        return { outlineStyle, outlineWidth, isSeen: outlineColor !== backgroundColor };
      });
    for (const element of [
      tab.getByRole("link", { name: said("nav.new") }).first(),
      tab.getByRole("searchbox", { name: said("list.search") }),
      tab.getByRole("combobox", { name: said("list.state") }),
      tab.getByRole("link", { name: NAMES.active }).first(),
    ]) {
      assert.equal((await lineOf(element)).outlineStyle, "none");
      await tab.keyboard.press("Tab");
      await element.focus();
      const { outlineStyle, outlineWidth, isSeen } = await lineOf(element);
      assert.deepEqual([outlineStyle, outlineWidth, isSeen], ["solid", "3px", true]);
    }
  });
});
