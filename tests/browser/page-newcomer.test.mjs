// Somebody who has never seen the page gets a token, and uses it in their tools, by what the page says.

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { launchBrowser, pasted } from "../support/browser.mjs";
import { basic } from "../support/tokens.mjs";
import { generate, said, shownToken, startPage } from "../support/tokens-page.mjs";

const OWNER = "ada@example.com";

const run = promisify(execFile);
const needs = (program) => ({
  skip: spawnSync(program, ["--version"]).error ? `There is no ${program}.` : false,
});

let page, browser, tab, folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatepass-newcomer-"));
  page = await startPage();
  browser = await launchBrowser();
  await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  tab = await page.open(browser);
});

after(async () => {
  await browser?.close();
  await page?.stop();
  await rm(folder, { recursive: true, force: true });
});

const button = (key) => tab.getByRole("button", { name: said(key), exact: true });
const field = (key) => tab.getByLabel(said(key), { exact: true });
const panel = () => tab.getByRole("dialog").getByRole("tabpanel");

/** What the Copy buttons of a tool's steps put into the clipboard, one after the other. */
async function copied(tool) {
  await tab.getByRole("tab", { name: said(`howTo.${tool}`), exact: true }).click();
  const texts = [];
  for (const button of await panel().getByRole("button").all()) {
    assert.ok((await button.innerText()).startsWith(said("copy")), "not copied yet");
    await button.click();
    await button.filter({ hasText: said("copied") }).waitFor();
    texts.push(await pasted(browser));
  }
  return texts;
}

/** What the page shows for a tool. */
async function shown(tool) {
  await tab.getByRole("tab", { name: said(`howTo.${tool}`), exact: true }).click();
  return panel().innerText();
}

async function keepAndLeave() {
  await button("secret.download").click();
  await button("secret.done").click();
}

/** Runs a program that is in a file. */
async function runFile(interpreter, name, text) {
  const file = join(folder, name);
  await writeFile(file, text);
  return (await run(interpreter, [file])).stdout;
}

describe("a newcomer", () => {
  let token;

  test("signs in with the operator key, and is told when it is not the key", async () => {
    await field("signIn.key").fill("what I had in mind");
    await button("signIn.do").click();
    await tab.getByText(said("signIn.wrong")).waitFor();
    assert.ok(await field("signIn.key").evaluate((input) => input === document.activeElement));
    await field("signIn.key").fill(page.gate.operatorKey);
    await tab.keyboard.press("Enter");
    await tab.getByText(said("list.noneAtAll")).waitFor();
    assert.ok(await tab.locator("main").evaluate((main) => main === document.activeElement));
  });

  test("makes a token", async () => {
    await tab.getByRole("link", { name: said("empty.make") }).click();
    await field("new.owner").fill(OWNER);
    await field("name").fill("Monthly report");
    await tab.getByLabel("odata", { exact: true }).check();
    await button("new.generate").click();
    token = await shownToken(tab);
    await button("copy").click();
    assert.equal(await pasted(browser), token);
  });

  test("downloads it: the file holds the token, and nothing else", async () => {
    const [download] = await Promise.all([
      tab.waitForEvent("download"),
      button("secret.download").click(),
    ]);
    assert.equal(download.suggestedFilename(), "Monthly-report.txt");
    assert.equal(await readFile(await download.path(), "utf8"), `${token}\n`);
  });

  test("runs the lines for curl in a shell", needs("curl"), async () => {
    const [check, ask] = await copied("curl");
    const { stdout } = await run("sh", ["-c", check]);
    const { name, scopes, user } = JSON.parse(stdout);
    assert.deepEqual([name, scopes, user.email], ["Monthly report", ["odata"], OWNER]);
    const answer = JSON.parse((await run("sh", ["-c", ask])).stdout);
    assert.match(answer["@odata.context"], /\$metadata$/);
  });

  test("runs the lines for Python", needs("python3"), async () => {
    const [lines] = await copied("python");
    const answer = JSON.parse(await runFile("python3", "ask.py", lines));
    assert.match(answer["@odata.context"], /\$metadata$/);
  });

  test("runs the lines for JavaScript", async () => {
    const [lines] = await copied("javaScript");
    const [, status, answer] = /^(\d+) (.*)$/s.exec(
      await runFile(process.execPath, "ask.mjs", lines),
    );
    assert.equal(status, "200");
    assert.match(JSON.parse(answer)["@odata.context"], /\$metadata$/);
  });

  for (const tool of ["powerBi", "excel"]) {
    test(`gives ${said(`howTo.${tool}`)} the address and the password, and gets the feed`, async () => {
      const [address, password] = await copied(tool);
      assert.equal(password, token);
      assert.equal((await fetch(address)).status, 401);
      const headers = { authorization: basic("", password), "odata-maxversion": "4.0" };
      const feed = await fetch(address, { headers });
      assert.equal(feed.status, 200);
      const [{ url }] = (await feed.json()).value;
      const jobs = await fetch(new URL(url, address), { headers });
      assert.ok((await jobs.json()).value.length > 0);
    });
  }

  test("gets lines for what the token may do", async () => {
    await button("secret.done").click();
    await generate(tab, { owner: OWNER, scopes: ["jobs:read"] });
    const other = await shownToken(tab);
    assert.notEqual(other, token);
    const curl = await shown("curl");
    assert.ok(curl.includes(said("howTo.curl.paths", { paths: "/api/v1/*" })), curl);
    assert.ok(!curl.includes("/odata"), curl);
    for (const tool of ["curl", "python", "javaScript"]) {
      const text = await shown(tool);
      assert.ok(text.includes(`${page.origin}/api/v1/`) && text.includes(other), text);
      assert.ok(!text.includes(token));
    }
    for (const tool of ["powerBi", "excel"]) assert.ok(!(await shown(tool)).includes("/odata"));
    await keepAndLeave();
  });

  test("gets no line that the gate would refuse", needs("curl"), async () => {
    // The routes let `jobs:read` alone GET what `jobs:write` opens otherwise.
    for (const scopes of [["jobs:write"], ["jobs:read", "jobs:write"], []]) {
      await generate(tab, { owner: OWNER, scopes });
      const text = await shown("curl");
      assert.ok(!text.includes("/api/v1/* /api/v1/*"), text);
      const ask = await panel().locator("pre").last().innerText();
      const answer = await run("sh", ["-c", `${ask} -w '%{http_code}' -o /dev/null`]);
      assert.ok(["200", "404"].includes(answer.stdout), `${scopes}: ${answer.stdout}`);
      await keepAndLeave();
    }
  });
});
