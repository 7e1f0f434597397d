// Embeds on the tokens page, as an admin has them: a URL made on the spot, its preview, live sessions,
// and a connection that drops.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/api.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { enter } from "../support/embeds.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { said, startPage } from "../support/tokens-page.mjs";

let page;
let browser;
let host;

before(async () => {
  [page, browser, host] = await Promise.all([
    startPage({ provider: true }),
    launchBrowser(),
    startHost(),
  ]);
  await page.signIn(browser, { role: "admin" });
});

after(async () => {
  await browser?.close();
  await Promise.all([page?.stop(), host?.stop()]);
});

/** A page of another site, which has whatever `set` was given last. */
async function startHost() {
  let html = "";
  const server = await startServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8").end(html);
  });
  return {
    ...{ url: server.url, stop: server.stop },
    set: (body) => (html = `<!doctype html><link rel="icon" href="data:,"><title>x</title>${body}`),
  };
}

let people = 0;
/** Somebody for whom nothing was embedded yet. */
const newViewer = () => `viewer-${++people}@example.com`;

const button = (within, key) => within.getByRole("button", { name: said(key), exact: true });

/** The screen of embeds. */
async function openEmbeds(t) {
  const tab = await page.open(browser, "#/embeds");
  t.after(() => tab.close());
  return tab;
}

/** Fills the form for a viewer, for the host page, and sends it. */
async function send(tab, viewer) {
  await tab.getByLabel(said("embed.user"), { exact: true }).fill(viewer);
  await tab.getByLabel(said("embed.origins"), { exact: true }).fill(host.url);
  await button(tab, "embed.create").click();
}

/** Makes a URL: the dialog that shows it. */
async function makeUrl(tab, viewer) {
  await send(tab, viewer);
  const dialog = tab.getByRole("dialog", { name: said("embed.made") });
  await dialog.waitFor();
  return dialog;
}

const close = (dialog) => button(dialog, "close").last().click();

/** The frame that the dialog gives for the host page. */
const snippetIn = (dialog) => dialog.getByLabel(said("embed.frame")).locator("code").innerText();

/** Opens the host page with a frame in it, and waits for what the frame shows. */
async function openHost(t, snippet) {
  host.set(snippet);
  const tab = await browser.newTab(host.url);
  t.after(() => tab.close());
  return tab.frameLocator("iframe");
}

const assertShows = async (frame, viewer) =>
  assert.equal(await frame.locator("#viewer").innerText(), viewer);

/** Asserts that a frame shows the refusal of a code. */
const assertRefused = async (frame, code) =>
  assert.equal(await frame.locator("html[data-code]").getAttribute("data-code"), code);

/** A viewer's embed tokens. */
async function tokensOf(viewer) {
  const { body } = await page.gate.api("GET", `/tokens?kind=embed&user=${viewer}`);
  return body.result;
}

test("a URL made on the spot opens the app once, in a frame of another page", async (t) => {
  const viewer = newViewer();
  const dialog = await makeUrl(await openEmbeds(t), viewer);
  const url = await dialog.getByLabel(said("embed.url")).inputValue();
  const snippet = await snippetIn(dialog);
  assert.equal(
    snippet,
    `<iframe src="${url}" title="Jobs board" referrerpolicy="no-referrer"></iframe>`,
  );
  await assertShows(await openHost(t, snippet), viewer);
  await assertRefused(await openHost(t, snippet), "token_used");
});

test("what the host page needs for good is shown, too", async (t) => {
  const dialog = await makeUrl(await openEmbeds(t), newViewer());
  const element = await dialog.getByLabel(said("embed.element")).locator("code").innerText();
  assert.match(element, /<gatepass-embed url-endpoint="[^"]+"><\/gatepass-embed>/);
  const sdk = /<script type="module" src="([^"]+)"><\/script>/.exec(element)[1];
  assert.equal((await fetch(sdk)).status, 200);
});

describe("the preview", () => {
  /** Makes a URL and opens the preview. */
  async function preview(t) {
    const viewer = newViewer();
    const dialog = await makeUrl(await openEmbeds(t), viewer);
    const snippet = await snippetIn(dialog);
    await button(dialog, "embed.showPreview").click();
    const frame = dialog.frameLocator("iframe");
    await assertShows(frame, viewer);
    return { viewer, dialog, frame, snippet };
  }

  test("shows the app as that person, and leaves the URL unused", async (t) => {
    const { viewer, snippet } = await preview(t);
    const states = (await tokensOf(viewer)).map(({ name, state }) => [name, state]);
    const named = said("embed.name", { app: "Jobs board" });
    assert.deepEqual(Object.fromEntries(states), {
      [said("embed.previewName")]: "used",
      [named]: "active",
    });
    await assertShows(await openHost(t, snippet), viewer);
  });

  test("ends with the dialog, and the URL does not", async (t) => {
    const { viewer, dialog, snippet } = await preview(t);
    const isPreview = ({ name }) => name === said("embed.previewName");
    await close(dialog);
    const gone = await until(async () => {
      const found = (await tokensOf(viewer)).find(isPreview);
      return found.state === "revoked" && found;
    }, "the preview's token is revoked");
    assert.equal(gone.sessionMinutes, 5);
    const sessions = (await page.gate.api("GET", `/sessions?user=${viewer}`)).body.result;
    assert.deepEqual(sessions, []);
    await assertShows(await openHost(t, snippet), viewer);
  });
});

describe("live sessions", () => {
  test("are listed, and one that is ended gets nothing more", async (t) => {
    const [ended, other] = [newViewer(), newViewer()];
    const tab = await openEmbeds(t);
    const frames = [];
    for (const viewer of [ended, other]) {
      const dialog = await makeUrl(tab, viewer);
      frames.push(await openHost(t, await snippetIn(dialog)));
      await assertShows(frames.at(-1), viewer);
      // A tab behind another is seldom drawn: what is done in it takes seconds.
      await tab.bringToFront();
      await close(dialog);
    }
    await button(tab, "reload").click();
    const session = (viewer) => tab.getByRole("listitem").filter({ hasText: viewer });
    await session(ended).waitFor();
    await session(other).getByText("Jobs board").waitFor();

    await button(session(ended), "sessions.end").click();
    const question = tab.getByRole("dialog", { name: said("sessions.end") });
    await button(question, "sessions.confirm").click();
    await session(ended).waitFor({ state: "detached" });
    await session(other).waitFor();

    await frames[0].getByRole("link", { name: "Latest job" }).click();
    await assertRefused(frames[0], "session_ended");
    await frames[1].getByRole("link", { name: "Latest job" }).click();
    await frames[1].locator("article").waitFor();
  });

  test("are on the page of their token as well, which ends all of them", async (t) => {
    const { body: token } = await page.gate.api("POST", "/tokens", {
      ...{ name: "For two", kind: "embed", app: "jobs", user: { email: newViewer() } },
      allowedOrigins: [host.url],
    });
    const snippet = `<iframe src="${token.embedUrl}"></iframe>`;
    const frames = [await openHost(t, snippet), await openHost(t, snippet)];
    for (const frame of frames) await assertShows(frame, token.user.email);
    const tab = await page.open(browser, `#/tokens/${token.id}`);
    t.after(() => tab.close());
    await button(tab, "sessions.endAll").click();
    await button(tab.getByRole("dialog"), "sessions.confirm").click();
    await tab.getByText(said("sessions.none")).waitFor();
    for (const frame of frames) {
      await frame.getByRole("link", { name: "Latest job" }).click();
      await assertRefused(frame, "session_ended");
    }
  });
});

test("where the answer got lost, the same is asked again, and no URL is left that opens", async (t) => {
  const viewer = newViewer();
  const tab = await openEmbeds(t);
  const isCreation = /\/gatepass\/api\/tokens$/;
  let lost;
  await tab.route(isCreation, async (route) => {
    lost = await (await route.fetch()).json();
    await route.abort();
  });
  await send(tab, viewer);
  await tab.getByRole("alert").getByText(said("new.unsure")).waitFor();
  await tab.unroute(isCreation);
  await button(tab, "tryAgain").click();
  await tab.getByRole("alert").getByText(said("embed.lost")).waitFor();
  await until(
    async () => (await tokensOf(viewer)).every(({ state }) => state === "revoked"),
    "the token whose URL nobody got is revoked",
  );
  assert.deepEqual(
    (await tokensOf(viewer)).map(({ id }) => id),
    [lost.id],
  );
  const answer = await enter(page.gate, lost.embedUrl);
  assert.equal(answer.status, 401);
  assert.match(answer.text, /data-code="token_revoked"/);

  const dialog = await makeUrl(tab, viewer);
  await assertShows(await openHost(t, await snippetIn(dialog)), viewer);
});
