// The workspace on the tokens page, as an admin has it: settings that hold, everybody's tokens, the
// audit trail and its export.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { pause } from "../support/api.mjs";
import { auditOf } from "../support/audit.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { DEFAULTS, setSettings } from "../support/settings.mjs";
import { said, startPage } from "../support/tokens-page.mjs";

const WORKSPACE = "default";

let page;
let browser;

before(async () => {
  [page, browser] = await Promise.all([startPage({ provider: true }), launchBrowser()]);
});

after(async () => {
  await browser?.close();
  await page?.stop();
});

/** Opens a screen as an admin, or as a user. */
async function openAs(t, role, screen) {
  await page.signIn(browser, { role });
  const tab = await page.open(browser, `#/${screen}`);
  t.after(() => tab.close());
  return tab;
}

const button = (within, key) => within.getByRole("button", { name: said(key), exact: true });
const field = (within, key) => within.getByLabel(said(key), { exact: true });
const box = (within, key) => within.getByRole("checkbox", { name: said(key), exact: true });

/** What the API says of the settings. */
const settings = async () => (await page.gate.api("GET", `/settings?workspace=${WORKSPACE}`)).body;

async function save(tab) {
  await button(tab, "save").click();
  await tab.getByRole("status").getByText(said("saved"), { exact: true }).waitFor();
}

describe("settings", () => {
  afterEach(() => setSettings(page.gate, WORKSPACE));

  test("are kept as they were saved", async (t) => {
    const tab = await openAs(t, "admin", "workspace/settings");
    await box(tab, "settings.admins").check();
    await box(tab, "settings.knownUsersOnly").check();
    await field(tab, "settings.defaultLifetimeDays").fill("14");
    await box(tab, "settings.bounded").check();
    await field(tab, "settings.maxLifetimeDays").fill("45");
    const origins = ["https://portal.example", "https://other.example"];
    await field(tab, "embed.origins").fill(origins.join("\n"));
    await save(tab);
    const expected = {
      ...{ ...DEFAULTS, whoMayCreate: "admins", knownUsersOnly: true, neverAllowed: false },
      ...{ defaultLifetimeDays: 14, maxLifetimeDays: 45, allowedOrigins: origins },
    };
    assert.deepEqual(await settings(), expected);

    await tab.reload();
    assert.ok(await box(tab, "settings.admins").isChecked());
    assert.ok(await box(tab, "settings.knownUsersOnly").isChecked());
    assert.equal(await field(tab, "settings.maxLifetimeDays").inputValue(), "45");
    assert.equal(await field(tab, "embed.origins").inputValue(), origins.join("\n"));
    await box(tab, "settings.bounded").uncheck();
    await save(tab);
    assert.equal((await settings()).maxLifetimeDays, null);
  });

  test("creation that is switched off: a user is told why there is no form", async (t) => {
    const tab = await openAs(t, "admin", "workspace/settings");
    await box(tab, "settings.creation").uncheck();
    await save(tab);
    const theirs = await openAs(t, "user", "new");
    await theirs.getByText(said("new.off")).waitFor();
    assert.equal(await theirs.locator("form").count(), 0);
  });

  test("scopes on offer: a user finds them in the same order, with the words for them", async (t) => {
    const offered = [
      ["odata", "Read all tables, for reports"],
      ["jobs:write", "Change jobs"],
      ["jobs:read", "See jobs"],
    ];
    const tab = await openAs(t, "admin", "workspace/settings");
    for (const [at, [name, words]] of [...offered, ["spare", ""]].entries()) {
      await button(tab, "settings.addScope").click();
      const row = tab.getByRole("group", { name: said("settings.scope", { count: at + 1 }) });
      await field(row, "name").fill(name);
      await field(row, "settings.scopeMeans").fill(words);
    }
    const remove = said("settings.removeScope", { name: "spare" });
    await tab.getByRole("button", { name: remove, exact: true }).click();
    await save(tab);

    const theirs = await openAs(t, "user", "new");
    const choices = theirs.getByRole("group", { name: said("new.scopes"), exact: true });
    await choices.waitFor();
    const found = await choices
      .getByRole("checkbox")
      .evaluateAll((boxes) =>
        boxes.map((box) => [
          box.labels[0].textContent,
          document.getElementById(box.getAttribute("aria-describedby")).textContent,
        ]),
      );
    assert.deepEqual(found, offered);
  });

  test("a bound of days: a user can choose none beyond it", async (t) => {
    const tab = await openAs(t, "admin", "workspace/settings");
    await box(tab, "settings.bounded").check();
    await field(tab, "settings.maxLifetimeDays").fill("45");
    await save(tab);
    const theirs = await openAs(t, "user", "new");
    await theirs.getByText(said("new.bound", { count: 45 })).waitFor();
    const choices = theirs.getByRole("radio");
    const labels = await choices.evaluateAll((all) =>
      all.map(({ labels: [{ textContent }] }) => textContent),
    );
    const days = [7, 30].map((count) => said("new.days", { count }));
    assert.deepEqual(labels, [...days, said("new.date")]);
    await choices.last().check();
    const last = new Date(await field(theirs, "new.day").getAttribute("max"));
    const ahead = (last - Date.now()) / 86_400_000;
    assert.ok(ahead > 42 && ahead <= 45, `${ahead}`);
  });

  for (const [what, label, value, text] of [
    ["origins", "embed.origins", "https://portal.example/a-path", "allowedOrigins"],
    ["days", "settings.defaultLifetimeDays", "60", "defaultLifetimeDays"],
  ]) {
    test(`${what} that are refused: the field is marked and has the focus, and nothing is saved`, async (t) => {
      const before = await setSettings(page.gate, WORKSPACE, {
        maxLifetimeDays: 30,
        neverAllowed: false,
      });
      const tab = await openAs(t, "admin", "workspace/settings");
      await box(tab, "settings.knownUsersOnly").check();
      await field(tab, label).fill(value);
      await button(tab, "save").click();
      const error = tab.getByText(said(`error.invalid_field.${text}`));
      await error.waitFor();
      const wrong = field(tab, label);
      assert.equal(await wrong.getAttribute("aria-invalid"), "true");
      assert.ok(
        (await wrong.getAttribute("aria-describedby"))
          .split(" ")
          .includes(await error.getAttribute("id")),
      );
      assert.ok(await wrong.evaluate((element) => element === document.activeElement));
      assert.equal(await wrong.inputValue(), value);
      assert.deepEqual(await settings(), before);
    });
  }
});

describe("everybody's tokens", () => {
  const [grace, linus] = ["grace@example.com", "linus@example.com"];
  before(async () => {
    for (const [name, email] of [
      ["Report of sales", grace],
      ["Report of stock", linus],
      ["Backup", linus],
    ]) {
      await page.gate.createToken({ name, user: { email } });
    }
    const { id } = await page.gate.createToken({ name: "Old report", user: { email: grace } });
    await page.gate.api("DELETE", `/tokens/${id}`);
  });

  /** Waits until the list has exactly these names, in whatever order. */
  const assertListed = (tab, ...names) =>
    tab.waitForFunction((expected) => {
      const found = [...document.querySelectorAll(".token h2")].map(({ innerText }) => innerText);
      return JSON.stringify(found.sort()) === expected;
    }, JSON.stringify(names.sort()));

  test("are found by name, by owner and by state", async (t) => {
    const tab = await openAs(t, "admin", "workspace/tokens");
    const all = ["Report of sales", "Report of stock", "Backup", "Old report"];
    await assertListed(tab, ...all);
    const search = tab.getByRole("searchbox", { name: said("list.search") });
    const owner = tab.getByRole("searchbox", { name: said("list.owner") });
    const state = tab.getByRole("combobox", { name: said("list.state") });

    await search.fill("report of");
    await assertListed(tab, "Report of sales", "Report of stock");
    await tab
      .getByRole("status")
      .getByText(said("list.count", { count: 2 }))
      .waitFor();
    await owner.fill(linus);
    await assertListed(tab, "Report of stock");
    await search.fill("");
    await assertListed(tab, "Report of stock", "Backup");
    await owner.fill("");
    await state.selectOption(said("state.revoked"));
    await assertListed(tab, "Old report");
    await state.selectOption(said("list.all"));
    await assertListed(tab, ...all);
  });

  test("show whose they are, and lead to each", async (t) => {
    const tab = await openAs(t, "admin", "workspace/tokens");
    const token = tab.getByRole("listitem").filter({ hasText: "Report of sales" });
    await token.getByText(grace, { exact: true }).waitFor();
    await token.getByRole("link", { name: "Report of sales" }).click();
    await tab.getByRole("heading", { level: 1, name: "Report of sales" }).waitFor();
    await tab.getByRole("link", { name: said("token.all") }).click();
    await assertListed(tab, "Report of sales", "Report of stock", "Backup", "Old report");
  });
});

describe("the audit trail", () => {
  const user = { id: "edsger", email: "edsger@example.com" };
  const isNext = /\/gatepass\/api\/audit\?.*cursor=/;
  let token;
  before(async () => {
    token = await page.gate.createToken({ user });
    const path = `/tokens/${token.id}`;
    for (let i = 0; i < 120; i++) {
      await page.gate.api("PATCH", path, { enabled: i % 2 === 1 });
    }
  });

  const show = (tab) => button(tab, "audit.show").click();
  const actions = (tab) => tab.locator(".events strong").allInnerTexts();

  /** Waits until there are as many events on the screen. */
  const assertCount = (tab, count) =>
    tab.waitForFunction((count) => document.querySelectorAll(".events li").length === count, count);

  test("is filtered by user, by what happened, by token and by time", async (t) => {
    const tab = await openAs(t, "admin", "workspace/audit");
    await field(tab, "audit.user").fill(user.email);
    await field(tab, "audit.action").selectOption(said("action.token.created"));
    await show(tab);
    await assertCount(tab, 1);
    assert.deepEqual(await actions(tab), [said("action.token.created")]);

    await field(tab, "audit.user").fill("");
    await field(tab, "audit.action").selectOption(said("action.token.disabled"));
    await field(tab, "audit.token").fill(token.id);
    await show(tab);
    await assertCount(tab, 50);
    await button(tab, "list.more").click();
    await assertCount(tab, 60);
    const found = new Set(await actions(tab));
    assert.deepEqual([...found], [said("action.token.disabled")]);

    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16);
    await field(tab, "audit.from").fill(tomorrow);
    await show(tab);
    await tab.getByText(said("events.none")).waitFor();
    await field(tab, "audit.from").fill("");
    await field(tab, "audit.to").fill(tomorrow);
    await show(tab);
    await assertCount(tab, 50);
  });

  test("is exported as a file that has each event of several pages once", async (t) => {
    const tab = await openAs(t, "admin", "workspace/audit");
    const expected = (await auditOf(page.gate)).map(({ id }) => id);
    assert.ok(expected.length > 120);
    // The first page is there, the next one is not.
    const next = Promise.withResolvers();
    await tab.route(isNext, async (route) => {
      await next.promise;
      await route.continue();
    });
    const downloading = tab.waitForEvent("download");
    await button(tab, "audit.export").click();
    await tab
      .getByRole("status")
      .getByText(said("audit.exported", { count: 100 }))
      .waitFor();
    next.resolve();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), "gatepass-audit.ndjson");
    const lines = (await readFile(await download.path(), "utf8")).split("\n");
    assert.equal(lines.pop(), "");
    const events = lines.map((line) => JSON.parse(line));
    assert.deepEqual(events.map(({ id }) => id).sort(), expected.sort());
    await button(tab, "cancel").waitFor({ state: "detached" });
  });

  test("is exported as it is filtered", async (t) => {
    const tab = await openAs(t, "admin", "workspace/audit");
    await field(tab, "audit.user").fill(user.id);
    await field(tab, "audit.action").selectOption(said("action.token.enabled"));
    await show(tab);
    await assertCount(tab, 50);
    const downloading = tab.waitForEvent("download");
    await button(tab, "audit.export").click();
    const lines = (await readFile(await (await downloading).path(), "utf8")).trim().split("\n");
    const found = lines.map((line) => JSON.parse(line)).map(({ action, user }) => [action, user]);
    assert.deepEqual(found, Array(60).fill(["token.enabled", user.id]));
  });

  test("is not exported to its end when that is cancelled", async (t) => {
    const tab = await openAs(t, "admin", "workspace/audit");
    const downloads = [];
    tab.on("download", (download) => downloads.push(download.suggestedFilename()));
    const next = Promise.withResolvers();
    await tab.route(isNext, async (route) => {
      await next.promise;
      await route.continue().catch(() => {});
    });
    await button(tab, "audit.export").click();
    await button(tab, "cancel").click();
    await button(tab, "cancel").waitFor({ state: "detached" });
    next.resolve();
    await pause(500);
    assert.deepEqual(downloads, []);
    assert.equal(await tab.getByRole("alert").count(), 0);
    assert.ok(await button(tab, "audit.export").isEnabled());
  });
});
