// Many tokens, and odd ones: all are there and can be told apart, and none breaks the page.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { idsOf, listAll, pause } from "../support/api.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { misfits, said, startPage } from "../support/tokens-page.mjs";

const MANY = 130;
const DAY = 86_400_000;
const NARROW = { width: 320, height: 640 };

let browser, page, person, tab;

before(async () => {
  page = await startPage({ provider: true });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await page?.stop();
});

afterEach(() => tab.close());

const owner = () => ({ id: person.sub, email: person.email });
const make = (fields) => page.gate.createToken({ user: owner(), ...fields });
const change = async (method, path, body) => {
  const { status } = await page.gate.api(method, path, body);
  assert.ok(status < 300, `${method} ${path}: ${status}`);
};

const rows = () =>
  tab
    .locator("main")
    .getByRole("listitem")
    .filter({ has: tab.getByRole("heading", { level: 2 }) });
const row = (name) =>
  rows().filter({ has: tab.getByRole("heading", { level: 2, name, exact: true }) });
const names = () => rows().getByRole("heading", { level: 2 }).allInnerTexts();
const field = (key) => tab.getByLabel(said(key), { exact: true });
const choose = (key, choice) =>
  tab.getByRole("combobox", { name: said(key), exact: true }).selectOption({ label: said(choice) });

/** Waits until the list says that it has so many, to who does not see it as well. */
const counted = (count) =>
  tab
    .getByRole("status")
    .filter({ hasText: new RegExp(`^${said("list.count", { count })}$`) })
    .waitFor();

describe("a hundred and thirty tokens of one person", () => {
  const secrets = [];
  let all;

  before(async () => {
    person = await page.signIn(browser);
    for (let at = 0; at < MANY; at += 10) {
      const some = Array.from({ length: 10 }, (_, step) => make(fieldsOf(at + step)));
      for (const { token } of await Promise.all(some)) secrets.push(token);
    }
    all = await listAll(page.gate, { user: person.sub });
    const id = (name) => all.find((token) => token.name === name).id;
    await change("PATCH", `/tokens/${id("Token 007")}`, { enabled: false });
    await change("DELETE", `/tokens/${id("Token 008")}`);
    await change("DELETE", `/tokens/${id("Token 009")}`);
    const used = secrets[10];
    await fetch(`${page.gate.url}/echo/used`, { headers: { authorization: `Bearer ${used}` } });
  });

  /** Every tenth is an embed's; each has another end. */
  function fieldsOf(at) {
    const name = `Token ${String(at).padStart(3, "0")}`;
    if (at % 10 === 3) {
      return { name, kind: "embed", app: "jobs", scopes: undefined, expiresInDays: 300 };
    }
    const description = at === 77 ? "For the Needle in the haystack" : "";
    return { name, description, expiresInDays: 30 + ((at * 37) % 200) };
  }

  beforeEach(async () => {
    await page.signIn(browser, person);
    tab = await page.open(browser);
    await counted(MANY);
  });

  test("are all there, each once, the newest first", async () => {
    const links = rows().getByRole("link");
    const hrefs = await links.evaluateAll((all) => all.map(({ hash }) => hash));
    const byAge = all.toSorted((one, other) => other.createdAt.localeCompare(one.createdAt));
    assert.deepEqual(
      hrefs.toSorted(),
      idsOf(byAge)
        .map((id) => `#/tokens/${id}`)
        .toSorted(),
    );
    assert.equal(await names().then(([first]) => first.slice(0, 8)), "Token 12");
    await links.last().click();
    await tab.getByRole("heading", { level: 1, name: /^Token 00/ }).waitFor();
  });

  test("are searched by name and description, in any case", async () => {
    await field("list.search").fill("TOKEN 12");
    await counted(10);
    await field("list.search").fill("needle");
    await counted(1);
    assert.deepEqual(await names(), ["Token 077"]);
    await field("list.search").fill("nothing is called so");
    await counted(0);
    assert.equal(await tab.getByText(said("empty.title")).count(), 0);
    await field("list.search").fill("");
    await counted(MANY);
  });

  test("are chosen by state and kind, and both", async () => {
    for (const [choices, count] of [
      [{ "list.state": "state.disabled" }, 1],
      [{ "list.state": "state.revoked" }, 2],
      [{ "list.kind": "kind.embed" }, 13],
      [{ "list.state": "state.used" }, 0],
      [{ "list.state": "state.revoked", "list.kind": "kind.pat" }, 2],
      [{}, MANY],
    ]) {
      for (const key of ["list.state", "list.kind"]) await choose(key, choices[key] ?? "list.all");
      await counted(count);
      assert.equal(await rows().count(), count);
    }
  });

  test("are sorted by name, by their end, by their last use", async () => {
    await choose("list.order", "list.order.name");
    await row("Token 000").waitFor();
    const sorted = await names();
    assert.deepEqual(sorted, all.map(({ name }) => name).toSorted());

    await choose("list.order", "list.order.ending");
    const ends = new Map(all.map(({ name, expiresAt }) => [name, expiresAt]));
    const times = (await names()).map((name) => ends.get(name));
    assert.deepEqual(times, times.toSorted());

    await choose("list.order", "list.order.used");
    assert.equal((await names())[0], "Token 010");
  });

  test("show where they start, and nothing more of their text", async () => {
    const html = await tab.evaluate(() => document.documentElement.outerHTML);
    assert.equal(secrets.length, MANY);
    for (const secret of secrets) {
      assert.ok(!html.includes(secret.slice(0, 20)));
      assert.ok(!html.includes(secret.slice(-12)));
    }
    for (const { start } of all) assert.ok(html.includes(`····${start.slice(-4)}…`), start);
  });

  test("fit on a narrow screen", async () => {
    await tab.setViewportSize(NARROW);
    assert.deepEqual(await misfits(tab), []);
  });
});

test("everybody's tokens come by the hundred, and say whose they are", async () => {
  const admin = await page.signIn(browser, { role: "admin" });
  tab = await page.open(browser, "#/workspace/tokens");
  const status = tab.getByRole("status");
  await status.filter({ hasText: said("list.countSoFar", { count: 100 }) }).waitFor();
  const more = tab.getByRole("button", { name: said("list.more") });
  await more.focus();
  await tab.keyboard.press("Enter");
  await counted(MANY);
  assert.equal(await more.count(), 0);
  assert.notEqual(await tab.evaluate(() => document.activeElement.tagName), "BODY");
  assert.ok((await rows().first().innerText()).includes(person.email));
  await field("list.owner").fill(admin.email);
  await counted(0);
  await field("list.owner").fill(person.email.toUpperCase());
  await status.filter({ hasText: said("list.countSoFar", { count: 100 }) }).waitFor();
});

describe("what a token is good for is told in words", () => {
  const IN_WORDS = {
    "Works on": "state.active",
    "Ends soon": "state.expiring",
    Over: "state.expired",
    "Switched off": "state.disabled",
    Replaced: "state.used",
    "Ended for good": "state.revoked",
    "Of an embed": "state.active",
    "Without an end": "state.active",
  };

  before(async () => {
    person = await page.signIn(browser);
    const one = (name, fields) => make({ name, expiresInDays: 60, ...fields });
    await one("Works on");
    await one("Ends soon", { expiresInDays: 30 });
    await one("Without an end", { expiresInDays: undefined, never: true });
    await one("Of an embed", { kind: "embed", app: "jobs", scopes: undefined, expiresInDays: 30 });
    const { id: off } = await one("Switched off");
    await change("PATCH", `/tokens/${off}`, { enabled: false });
    const { id: gone } = await one("Ended for good");
    await change("DELETE", `/tokens/${gone}`);
    for (const [name, graceSeconds] of [
      ["Replaced", 0],
      ["Over", 1],
    ]) {
      const { id } = await one(name);
      const { body } = await page.gate.api("POST", `/tokens/${id}/rotate`, { graceSeconds });
      await change("PATCH", `/tokens/${body.id}`, { name: `In place of: ${name}` });
    }
    await pause(1000);
  });

  beforeEach(async () => {
    await page.signIn(browser, person);
    tab = await browser.newTab();
    await tab.clock.setFixedTime(Date.now() + 25 * DAY);
    await tab.goto(`${page.origin}/gatepass/`);
    await row("Over").waitFor();
  });

  test("in the list", async () => {
    for (const [name, state] of Object.entries(IN_WORDS)) {
      await row(name).locator(".token-name").getByText(said(state), { exact: true }).waitFor();
    }
    const text = await row("Ends soon").innerText();
    assert.match(text, /\(in [45] days\)/);
    assert.ok((await row("Over").innerText()).includes(said("ended")));
    assert.ok((await row("Without an end").innerText()).includes(said("never")));
  });

  test("and in full where one looks at it", async () => {
    for (const [name, state] of Object.entries(IN_WORDS)) {
      await row(name).getByRole("link").click();
      await tab.getByRole("heading", { level: 1, name, exact: true }).waitFor();
      await tab.getByText(said(state), { exact: true }).waitFor();
      const means = ["state.active", "state.expiring"].includes(state) || `${state}.means`;
      if (means !== true) await tab.getByText(said(means)).waitFor();
      await tab.getByRole("link", { name: said("token.all") }).click();
    }
  });
});

describe("odd names", () => {
  const ODD = {
    html: `<img src=x onerror="window.ran = 1"><b>bold</b>&amp;<script>window.ran = 1</script>`,
    "one long word": "W".repeat(100),
    "right to left": "תקציב שנתי – דוח (מכירות) 2026 العربية",
    "many marks": `Z${"\u0335\u0321".repeat(20)}algo`,
    "a template": "{name} {count} ${7 * 7} %s",
    "a path": "../../etc/passwd?x=1#y",
    emoji: "👩🏽‍🚀🏳️‍🌈".repeat(5),
  };
  const description = (name) => `${name} ${"longer ".repeat(30)}${"x".repeat(120)}`.slice(0, 500);
  const tokens = {};

  before(async () => {
    person = await page.signIn(browser);
    for (const [what, name] of Object.entries(ODD)) {
      tokens[what] = await make({ name, description: description(name) });
    }
  });

  /** A word of that many letters has to be broken somewhere. */
  const faults = async () =>
    (await misfits(tab)).filter((fault) => !/^broken: \p{L}{100,}$/u.test(fault));

  beforeEach(async () => {
    await page.signIn(browser, person);
    tab = await page.open(browser);
    await tab.setViewportSize(NARROW);
  });

  test("are shown as they are, in the list", async () => {
    await counted(Object.keys(ODD).length);
    assert.deepEqual((await names()).toSorted(), Object.values(ODD).toSorted());
    assert.deepEqual(await faults(), []);
    assert.equal(await tab.locator("main").locator("img, b, script").count(), 0);
    assert.equal(await tab.evaluate(() => window.ran), undefined);
  });

  test("are shown as they are, one by one, and in dialogs", async () => {
    for (const [what, name] of Object.entries(ODD)) {
      await tab.goto(`${page.origin}/gatepass/#/tokens/${tokens[what].id}`);
      const title = tab.getByRole("heading", { level: 1 });
      await title.filter({ hasText: name }).waitFor();
      assert.equal(await title.textContent(), name);
      assert.deepEqual(await faults(), [], what);
      for (const key of ["rename", "revoke"]) {
        await tab.getByRole("button", { name: said(key), exact: true }).click();
        const heading = tab.getByRole("dialog").getByRole("heading");
        assert.equal(await heading.textContent(), said(`${key}.title`, { name }));
        assert.deepEqual(await faults(), [], `${what}: ${key}`);
        await tab.keyboard.press("Escape");
        await heading.waitFor({ state: "detached" });
      }
    }
    assert.equal(await tab.evaluate(() => window.ran), undefined);
  });

  test("one that could deceive is refused, and why is at the field", async () => {
    await tab.goto(`${page.origin}/gatepass/#/new`);
    const name = tab.getByLabel(said("name"), { exact: true });
    await name.fill("Report\u202egnp.exe");
    await tab.getByRole("button", { name: said("new.generate") }).click();
    await tab.getByText(said("error.invalid_field.name")).waitFor();
    assert.ok(await name.evaluate((input) => input === document.activeElement));
    assert.equal(await name.getAttribute("aria-invalid"), "true");
  });

  test("a file has a name that systems can have", async () => {
    await tab.goto(`${page.origin}/gatepass/#/new`);
    await tab.getByLabel(said("name"), { exact: true }).fill(ODD["a path"]);
    await tab.getByRole("button", { name: said("new.generate") }).click();
    const [download] = await Promise.all([
      tab.waitForEvent("download"),
      tab.getByRole("button", { name: said("secret.download") }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "-etc-passwd-x-1-y.txt");
    assert.deepEqual(await faults(), []);
  });
});
