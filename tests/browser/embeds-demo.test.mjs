// The demo as `npm start` has it: a portal of another site with two people's boards. Screenshots of it
// are left in target/screenshots.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { boardWorker } from "../support/board.mjs";
import { findBarriers } from "../support/browser.mjs";
import { eventsOf, frameIn, keeperIn, launchViewer } from "../support/embed-scene.mjs";
import { startRawGate } from "../support/gate.mjs";
import { startPortalServer } from "../support/portal.mjs";

const FOLDER = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
const SIZE = { width: 1280, height: 800 };

let gate;
let portal;
let browser;

before(async () => {
  const app = { id: "jobs", name: "Jobs board", upstream: "service:DEMO" };
  gate = await startRawGate({
    upstream: boardWorker(),
    vars: { EMBED_HOST: "*.localhost", APPS: [app] },
  });
  const { operatorKey: OPERATOR_KEY, port } = gate;
  portal = await startPortalServer({ OPERATOR_KEY, GATE_URL: `http://localhost:${port}` });
  browser = await launchViewer({ profile: "default" });
  await mkdir(FOLDER, { recursive: true });
});

after(async () => {
  await browser?.close();
  await portal?.stop();
  await gate?.stop();
});

async function openPortal(t, colorScheme) {
  const page = await browser.newTab();
  t.after(() => page.close());
  await page.setViewportSize(SIZE);
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.goto(portal.url);
  assert.deepEqual((await eventsOf(page, 2)).sort(), ["ada ready", "ben ready"]);
  for (const id of ["ada", "ben"]) {
    const frame = await frameIn(page, id);
    assert.equal(await frame.locator("#viewer").innerText(), `${id}@example.com`);
    await frame.locator("#windows", { hasText: "open in" }).waitFor();
  }
  // As `npm start` has it, so that pictures of two runs are alike.
  const [shown] = await page.$$("header b");
  await shown.evaluate((element) => (element.textContent = "http://localhost:8787"));
  return page;
}

for (const scheme of ["light", "dark"]) {
  test(`two people's boards side by side, ${scheme}`, async (t) => {
    const page = await openPortal(t, scheme);
    assert.deepEqual(await findBarriers(page), []);
    await page.screenshot({ path: `${FOLDER}portal-${scheme}.png` });
    await page.screenshot({ path: `${FOLDER}portal-${scheme}-whole.png`, fullPage: true });
    assert.deepEqual(browser.console, []);
  });
}

test("one person's session is ended, the other's goes on", async (t) => {
  const page = await openPortal(t, "light");
  await page.getByRole("button", { name: "End Ada's session" }).click();
  await page.getByRole("log").getByText("of her sessions killed").waitFor();
  // What its watch page does every 15 s.
  await (await keeperIn(page, "ada")).evaluate(() => dispatchEvent(new Event("online")));
  assert.equal((await eventsOf(page, 3)).at(-1), "ada ended session_ended");
  await (await frameIn(page, "ada")).getByRole("heading", { name: /has ended/ }).waitFor();
  const ben = await frameIn(page, "ben");
  await ben.locator("#job-1").getByRole("button").click();
  await ben.getByRole("status").getByText("is now in").waitFor();
  await page.screenshot({ path: `${FOLDER}portal-ended.png`, fullPage: true });
});
