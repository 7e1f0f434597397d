// All that one does with a token, by keyboard alone: no mouse, and the focus is always seen.

import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { launchBrowser, pasted } from "../support/browser.mjs";
import { until } from "../support/api.mjs";
import { said, startPage } from "../support/tokens-page.mjs";

const WITHIN = 80;

let page, browser, person, tab, keys;

before(async () => {
  page = await startPage({ provider: true });
  browser = await launchBrowser();
  await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
});

after(async () => {
  await browser?.close();
  await page?.stop();
});

beforeEach(async () => {
  person = await page.signIn(browser);
  tab = await page.open(browser);
  keys = tab.keyboard;
});

afterEach(() => tab.close());

const main = () => tab.locator("main");
const dialog = () => tab.getByRole("dialog");
const button = (key, within = tab) => within.getByRole("button", { name: said(key), exact: true });
const field = (key, within = tab) => within.getByLabel(said(key), { exact: true });

/** What has the focus: whether it is seen, and whether it is in a dialog. */
const focus = () =>
  tab.evaluate(() => {
    const element = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const { top, bottom, width, height } = element.getBoundingClientRect();
    return {
      what: element.outerHTML.slice(0, 200),
      isBody: element === document.body,
      isScreen: element.id === "main",
      isOutlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      isInView: width > 1 && height > 1 && top < innerHeight && bottom > 0,
      isInDialog: element.closest("dialog") !== null,
    };
  });

/** Asserts that the focus is seen; a screen that was just reached is seen as a whole. */
async function assertSeen() {
  const { what, isBody, isScreen, isOutlined, isInView } = await focus();
  assert.ok(!isBody, "the focus is lost");
  assert.ok(isScreen || (isOutlined && isInView), `the focus is not seen: ${what}`);
}

const hasFocus = (target) =>
  target.evaluateAll((found) => found.length === 1 && found[0] === document.activeElement);

async function assertFocused(target) {
  await target.waitFor();
  for (let rest = 40; rest > 0 && !(await hasFocus(target)); rest--) await tab.waitForTimeout(25);
  assert.ok(await hasFocus(target), `${target} has not the focus, but ${(await focus()).what}`);
  await assertSeen();
}

/** Whether Tab has gone past the page's end, to the browser's own controls. */
const isBeyond = async () => (await focus()).isBody;

/** Goes on with Tab until something has the focus. */
async function tabTo(target, key = "Tab") {
  for (let rest = WITHIN; rest > 0; rest--) {
    await keys.press(key);
    if (await isBeyond()) continue;
    await assertSeen();
    if (await hasFocus(target)) return;
  }
  throw new Error(`${key} does not lead to ${target}`);
}

async function press(target, key = "Enter") {
  await tabTo(target);
  await keys.press(key);
}

/** Waits until a live region says something to who does not see the screen. */
async function assertHeard(key) {
  const devtools = await tab.context().newCDPSession(tab);
  try {
    for (let rest = 40; rest > 0; rest--) {
      const { nodes } = await devtools.send("Accessibility.getFullAXTree");
      if (heard(nodes).includes(said(key))) return;
      await tab.waitForTimeout(50);
    }
  } finally {
    await devtools.detach();
  }
  assert.fail(`nobody hears “${said(key)}”`);
}

/** What the live regions of an accessibility tree say. */
function heard(nodes) {
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const textOf = ({ role, name, childIds = [] }) =>
    role?.value === "StaticText"
      ? name.value
      : childIds.map((id) => textOf(byId.get(id) ?? {})).join("");
  return nodes
    .filter(({ ignored, role }) => !ignored && role.value === "status")
    .map((node) => textOf(node));
}

/** Makes a token; its text is shown then. */
async function make(name) {
  await press(tab.getByRole("navigation").getByRole("link", { name: said("nav.new") }));
  await assertFocused(main());
  await tabTo(field("name"));
  await keys.type(name);
  await press(tab.getByLabel("jobs:read", { exact: true }), "Space");
  await press(button("new.generate"));
  await assertFocused(button("copy", dialog()));
}

const shown = () => field("secret.token", dialog());

describe("by keyboard", () => {
  test("a token is made, copied, renamed, disabled, enabled, rotated and revoked", async () => {
    await make("Nightly");
    await keys.press("Enter");
    await assertHeard("copied");
    await press(button("secret.done", dialog()));
    await tab.getByRole("heading", { level: 1, name: "Nightly" }).waitFor();
    await assertFocused(main());

    await press(button("rename"));
    await assertFocused(field("name", dialog()));
    await keys.press("ControlOrMeta+a");
    await keys.type("Weekly");
    await press(button("save", dialog()), "Space");
    await assertHeard("saved");
    await tab.getByRole("heading", { level: 1, name: "Weekly" }).waitFor();
    await assertFocused(button("rename"));

    await press(button("disable"));
    await assertHeard("disabled");
    await assertFocused(button("enable"));
    await keys.press("Enter");
    await assertHeard("enabled");
    await assertFocused(button("disable"));

    await press(button("rotate"));
    await assertFocused(field("rotate.grace", dialog()));
    await keys.press("ArrowUp");
    await press(button("rotate.confirm", dialog()));
    await assertFocused(button("copy", dialog()));
    await keys.press("Space");
    await assertHeard("copied");
    await press(button("secret.done", dialog()));
    await dialog().waitFor({ state: "detached" });
    await assertFocused(main());

    await press(button("revoke"));
    await assertFocused(button("cancel", dialog()));
    await tabTo(button("revoke.confirm", dialog()), "Shift+Tab");
    await keys.press("Enter");
    await tab.getByText(said("state.revoked.means")).waitFor();
    await assertHeard("revoked");
    await assertFocused(main());
  });

  test("a dialog keeps the focus, and gives it back when it is left", async () => {
    const user = { id: person.sub, email: person.email };
    const token = await page.gate.createToken({ user });
    await tab.goto(`${page.origin}/gatepass/#/tokens/${token.id}`);
    for (const key of ["rename", "rotate", "revoke"]) {
      await press(button(key));
      await dialog().waitFor();
      for (const step of ["Tab", "Shift+Tab"]) {
        for (let rest = 12; rest > 0; rest--) {
          await keys.press(step);
          const { isInDialog, isBody } = await focus();
          assert.ok(isInDialog || isBody, `${step} leaves the dialog ${key}`);
        }
      }
      await keys.press("Escape");
      await dialog().waitFor({ state: "detached" });
      await assertFocused(button(key));
    }
    await press(button("rename"));
    await press(button("close", dialog()), "Space");
    await assertFocused(button("rename"));
  });

  test("Escape leaves no token behind that nobody has copied, not even twice in a row", async () => {
    await make("Nightly");
    const text = await shown().inputValue();
    for (const times of [1, 2, 2]) {
      for (let rest = times; rest > 0; rest--) await keys.press("Escape");
      await tab.getByText(said("secret.notCopied")).waitFor();
      assert.equal(await shown().inputValue(), text);
      assert.ok((await focus()).isInDialog);
      await assertSeen();
    }
    await tabTo(button("secret.back", dialog()));
    await keys.press("Enter");
    await tab.getByText(said("secret.notCopied")).waitFor({ state: "detached" });
    await assertFocused(shown());
    await keys.press("Escape");
    await assertFocused(button("secret.back", dialog()));
    await press(button("secret.closeAnyway", dialog()));
    await tab.getByRole("heading", { level: 1, name: "Nightly" }).waitFor();
    await assertFocused(main());
  });

  test("neither Back nor closing the tab loses a token that nobody has copied", async () => {
    await make("Nightly");
    const text = await shown().inputValue();
    const asked = [];
    tab.on("dialog", (dialog) => {
      asked.push(dialog.type());
      dialog.dismiss();
    });
    await tab.goBack();
    await assertFocused(button("secret.back", dialog()));
    await keys.press("Enter");
    await tab.close({ runBeforeUnload: true });
    await until(() => asked.length > 0, "a warning");
    assert.deepEqual(asked, ["beforeunload"]);
    assert.equal(await shown().inputValue(), text);

    await press(button("copy", dialog()));
    await assertHeard("copied");
    await tab.goBack();
    await tab.getByRole("heading", { level: 1, name: said("nav.tokens") }).waitFor();
    assert.equal(await dialog().count(), 0);
    await tab.close({ runBeforeUnload: true });
    await until(() => tab.isClosed(), "a closed tab");
    assert.deepEqual(asked, ["beforeunload"]);
  });

  test("once it is copied, the tab closes at once", async () => {
    await make("Nightly");
    await keys.press("Enter");
    await assertHeard("copied");
    let asked = false;
    tab.on("dialog", (dialog) => ((asked = true), dialog.accept()));
    await tab.close({ runBeforeUnload: true });
    await until(() => tab.isClosed(), "a closed tab");
    assert.equal(asked, false);
  });

  test("a token is copied by hand, too: marked, and Ctrl+C", async () => {
    await make("Nightly");
    const text = await shown().inputValue();
    await tabTo(shown(), "Shift+Tab");
    await keys.press("ControlOrMeta+c");
    await press(button("secret.done", dialog()));
    await tab.getByRole("heading", { level: 1, name: "Nightly" }).waitFor();
    assert.equal(await pasted(browser), text);
  });

  test("what does not hold the token is no copy of it", async () => {
    await make("Nightly");
    // Nothing is marked.
    await keys.press("ControlOrMeta+c");
    // A part of it.
    await tabTo(shown(), "Shift+Tab");
    await keys.press("Shift+ArrowLeft");
    await keys.press("ControlOrMeta+c");
    // The address of the feed, which stands before the token.
    await tabTo(tab.getByRole("tab", { name: said("howTo.curl") }));
    await keys.press("ArrowRight");
    const address = dialog().getByRole("button", { name: said("howTo.powerBi.get") });
    await press(address);
    await assertHeard("copied");
    await keys.press("Escape");
    await tab.getByText(said("secret.notCopied")).waitFor();
  });

  test("the tools that it can be used with are chosen by arrow keys", async () => {
    await make("Nightly");
    const tabs = ["curl", "powerBi", "excel", "python", "javaScript"].map((name) =>
      tab.getByRole("tab", { name: said(`howTo.${name}`), exact: true }),
    );
    await tabTo(tabs[0]);
    for (const [key, at] of [
      ...["ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"].map((key, step) => [
        ...[key, (step + 1) % tabs.length],
      ]),
      ["ArrowLeft", 4],
      ["ArrowLeft", 3],
    ]) {
      await keys.press(key);
      await assertFocused(tabs[at]);
      assert.equal(await tabs[at].getAttribute("aria-selected"), "true");
    }
    await dialog()
      .getByRole("tabpanel", { name: said("howTo.python") })
      .waitFor();
    await keys.press("Tab");
    const code = dialog().locator("pre");
    await assertFocused(code);
    await keys.press("Tab");
    await assertFocused(dialog().getByRole("button", { name: said("howTo.python.run") }));
  });

  test("the first thing is a link to what the screen is about", async () => {
    await keys.press("Tab");
    const skip = tab.getByRole("link", { name: said("skip") });
    await assertFocused(skip);
    await keys.press("Enter");
    await assertFocused(main());
    await keys.press("Tab");
    await assertFocused(main().getByRole("link", { name: said("nav.new") }));
  });

  test("what is gone once it is pressed hands the focus on", async () => {
    await page.signIn(browser, { ...person, role: "admin", roles: ["admin"] });
    await tab.goto(`${page.origin}/gatepass/#/workspace/settings`);
    await tab.reload();
    await press(button("settings.addScope"));
    await press(tab.getByRole("button", { name: said("settings.removeScope", { name: "" }) }));
    await assertFocused(main());

    await press(tab.getByRole("link", { name: said("workspace.audit") }));
    const [download] = await Promise.all([
      tab.waitForEvent("download"),
      press(button("audit.export")),
    ]);
    assert.equal(download.suggestedFilename(), "gatepass-audit.ndjson");
    await tab.waitForTimeout(50);
    await assertFocused(button("audit.export"));
  });
});
