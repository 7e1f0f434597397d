// The page when answers get lost, fail, or are somebody else's: plain words, nothing made twice.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { assertOpens, assertShut, listAll } from "../support/api.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { generate, said, shownToken, startPage } from "../support/tokens-page.mjs";

const API = /\/gatepass\/api\//;
const CREATIONS = /\/gatepass\/api\/tokens(\?.*)?$/;

let page, browser, person, tab;

before(async () => {
  page = await startPage({ provider: true });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await page?.stop();
});

beforeEach(async () => {
  person = await page.signIn(browser, { role: "admin" });
  tab = await page.open(browser);
});

afterEach(() => tab.close());

const button = (key) => tab.getByRole("button", { name: said(key), exact: true });
const alert = (key, values) => tab.getByRole("alert").filter({ hasText: said(key, values) });
const heading = (name) => tab.getByRole("heading", { level: 1, name, exact: true });
const owner = () => ({ id: person.sub, email: person.email });
const ownTokens = () => listAll(page.gate, { user: person.sub });
const goTo = (place) => tab.evaluate((place) => void (location.hash = place), place);

/** Has a person's new token on the screen; answers it. */
async function lookAtToken() {
  const token = await page.gate.createToken({ name: "Nightly", user: owner() });
  await goTo(`#/tokens/${token.id}`);
  await heading("Nightly").waitFor();
  return token;
}

/** The gate carries out the next request of a method, and its answer is lost; answers what it was. */
async function loseNext(method, path = API) {
  const lost = {};
  const lose = async (route) => {
    if (route.request().method() !== method || lost.answer) return route.fallback();
    lost.request = route.request();
    lost.answer = await route.fetch();
    lost.text = await lost.answer.text();
    return route.abort("connectionreset");
  };
  await tab.route(path, lose);
  return lost;
}

/** Every request of a method that goes to a path is answered so, until `tab.unrouteAll()`. */
const answerWith = (method, path, answer) =>
  tab.route(path, (route) =>
    route.request().method() === method ? route.fulfill(answer) : route.fallback(),
  );

const problem = (status, code, retryAfter) => ({
  status,
  headers: { "retry-after": String(retryAfter) },
  contentType: "application/problem+json",
  body: JSON.stringify({ status, code, title: "no", detail: "no" }),
});

describe("a token whose answer is lost", () => {
  test("is not made twice: trying again is the same request, and gives it a new text", async () => {
    const requests = [];
    tab.on("request", (request) => request.method() === "POST" && requests.push(request));
    const lost = await loseNext("POST");
    await generate(tab, { name: "Nightly", scopes: ["jobs:read"] });
    await alert("new.unsure").waitFor();
    await button("tryAgain").click();
    await tab.getByText(said("lost.text", { name: "Nightly" })).waitFor();

    assert.equal(lost.answer.status(), 201);
    const [first, second] = requests;
    assert.equal(requests.length, 2);
    assert.ok(first.headers()["idempotency-key"]);
    assert.equal(second.headers()["idempotency-key"], first.headers()["idempotency-key"]);
    assert.equal(second.postData(), first.postData());
    assert.deepEqual(
      (await ownTokens()).map(({ name }) => name),
      ["Nightly"],
    );

    await button("lost.renew").click();
    const token = await shownToken(tab);
    await assertOpens(page.gate, token);
    await assertShut(page.gate, JSON.parse(lost.text).token, "token_used");
    assert.equal((await ownTokens()).filter(({ state }) => state === "active").length, 1);
  });

  test("has its new text when that can be had, and says why it cannot", async () => {
    await loseNext("POST");
    await generate(tab, { name: "Nightly" });
    await button("tryAgain").click();
    await answerWith("POST", API, problem(503, "store_unavailable", 5));
    await button("lost.renew").click();
    await alert("error.store_unavailable").waitFor();
    assert.ok(await button("lost.renew").evaluate((button) => button === document.activeElement));
    await tab.unrouteAll();
    await browser.context.clearCookies();
    await button("lost.renew").click();
    await alert("signIn.ended").waitFor();
    await page.signIn(browser, { ...person, role: "admin" });
    await button("signIn.again").click();
    await heading(said("new.title")).waitFor();
  });

  test("is asked for again as it was: the form cannot be changed meanwhile", async () => {
    await loseNext("POST");
    await generate(tab, { name: "Nightly" });
    await alert("new.unsure").waitFor();
    assert.ok(await tab.getByLabel(said("name"), { exact: true }).isDisabled());
    assert.ok(await button("tryAgain").evaluate((button) => button === document.activeElement));
  });
});

for (const [how, act] of [
  ["two clicks", () => button("new.generate").dblclick()],
  [
    "Enter twice",
    async () => {
      await tab.getByLabel(said("name"), { exact: true }).press("Enter");
      await tab.keyboard.press("Enter");
    },
  ],
]) {
  test(`${how} make one token`, async () => {
    let sent = 0;
    await tab.route(CREATIONS, async (route) => {
      if (route.request().method() === "POST") sent += 1;
      await new Promise((done) => setTimeout(done, 300));
      await route.fallback();
    });
    await goTo("#/new");
    await tab.getByLabel(said("name"), { exact: true }).fill("Nightly");
    await act();
    await shownToken(tab);
    assert.equal(sent, 1);
    assert.equal((await ownTokens()).length, 1);
  });
}

describe("what is done to a token, and the answer is lost", () => {
  test("a revocation: it says so, and the second time it is revoked", async () => {
    const token = await lookAtToken();
    await loseNext("DELETE");
    await button("revoke").click();
    await button("revoke.confirm").click();
    await alert("error.unreachable").waitFor();
    await button("revoke").click();
    await button("revoke.confirm").click();
    await tab.getByText(said("state.revoked.means")).waitFor();
    assert.equal(await tab.getByRole("alert").count(), 0);
    await assertShut(page.gate, token.token, "token_revoked");
  });

  test("a rotation: it says so, and the successor is in the list", async () => {
    const token = await lookAtToken();
    await loseNext("POST");
    await button("rotate").click();
    await button("rotate.confirm").click();
    await alert("error.unreachable").waitFor();
    await button("rotate.confirm").click();
    await alert("error.409.invalid_request").waitFor();
    await button("cancel").click();
    await tab.getByRole("link", { name: said("token.all") }).click();
    const rows = tab.getByRole("listitem").filter({ hasText: "Nightly" });
    await rows.nth(1).waitFor();
    const successor = (await ownTokens()).find(({ id }) => id !== token.id);
    await goTo(`#/tokens/${successor.id}`);
    await button("rotate").click();
    await button("rotate.confirm").click();
    await assertOpens(page.gate, await shownToken(tab));
  });

  test("a new name: it says so, and Save saves it", async () => {
    await lookAtToken();
    await loseNext("PATCH");
    await button("rename").click();
    await tab.getByLabel(said("name"), { exact: true }).fill("Weekly");
    await button("save").click();
    await alert("error.unreachable").waitFor();
    await button("save").click();
    await heading("Weekly").waitFor();
  });
});

describe("without a network", () => {
  const SCREENS = {
    "the list": ["#/tokens", () => tab.getByText(said("empty.title"))],
    "a token": [
      async () => {
        const { id } = await page.gate.createToken({ name: "Nightly", user: owner() });
        return `#/tokens/${id}`;
      },
      () => heading("Nightly"),
    ],
    "everybody's tokens": ["#/workspace/tokens", () => tab.getByText("Nightly").first()],
    "the audit trail": [
      "#/workspace/audit",
      () => tab.getByText(said("action.token.created")).last(),
    ],
    "live sessions": ["#/embeds", () => tab.getByText(said("sessions.none"))],
  };
  for (const [screen, [place, content]] of Object.entries(SCREENS)) {
    test(`${screen}: it says so, and trying again works when it is back`, async () => {
      const where = typeof place === "string" ? place : await place();
      await goTo("#/new");
      await heading(said("new.title")).waitFor();
      await browser.context.setOffline(true);
      try {
        await goTo(where);
        await alert("error.unreachable").waitFor();
        await button("tryAgain").click();
        await tab.waitForTimeout(100);
        await alert("error.unreachable").waitFor();
      } finally {
        await browser.context.setOffline(false);
      }
      await button("tryAgain").click();
      await content().waitFor();
      assert.equal(await tab.getByRole("alert").count(), 0);
      assert.notEqual(await tab.evaluate(() => document.activeElement.tagName), "BODY");
    });
  }

  test("a token is made when it is back, and once", async () => {
    await browser.context.setOffline(true);
    try {
      await generate(tab, { name: "Nightly" });
      await alert("new.unsure").waitFor();
    } finally {
      await browser.context.setOffline(false);
    }
    await button("tryAgain").click();
    await assertOpens(page.gate, await shownToken(tab));
    assert.equal((await ownTokens()).length, 1);
  });

  test("settings are saved when it is back", async () => {
    await goTo("#/workspace/settings");
    await button("save").waitFor();
    await browser.context.setOffline(true);
    try {
      await button("save").click();
      await alert("error.unreachable").waitFor();
    } finally {
      await browser.context.setOffline(false);
    }
    await button("save").click();
    await tab
      .getByRole("status")
      .filter({ hasText: said("saved") })
      .waitFor();
    assert.equal(await tab.getByRole("alert").count(), 0);
  });

  test("the page itself says so, and comes when it is back", async () => {
    await tab.route(API, (route) => route.abort("internetdisconnected"));
    await tab.reload();
    await alert("error.unreachable").waitFor();
    await tab.unrouteAll();
    await button("tryAgain").click();
    await heading(said("nav.tokens")).waitFor();
    assert.notEqual(await tab.evaluate(() => document.activeElement.tagName), "BODY");
  });
});

describe("an answer that is a refusal, or is not the gate's", () => {
  const HTML = {
    contentType: "text/html",
    body: "<!doctype html><title>Proxy</title><h1>502</h1>",
  };
  const ANSWERS = {
    "the gate cannot get at its data": [
      problem(503, "store_unavailable", 5),
      ["error.store_unavailable"],
    ],
    "there were too many requests": [
      problem(429, "rate_limited", 7),
      ["error.rate_limited", { count: 7 }],
    ],
    "it is a page": [{ status: 200, ...HTML }, ["error.unreachable"]],
    "it is a proxy's": [{ status: 502, ...HTML }, ["error.unreachable"]],
  };
  for (const [what, [answer, words]] of Object.entries(ANSWERS)) {
    test(`${what}: plain words, trying again works, and a token is made once`, async () => {
      await goTo("#/new");
      await answerWith("GET", API, answer);
      await goTo("#/tokens");
      await alert(...words).waitFor();
      assert.equal(await tab.getByText(said("list.count", { count: 0 })).count(), 0);
      await tab.unrouteAll();
      await button("tryAgain").click();
      await tab.getByText(said("empty.title")).waitFor();

      await answerWith("POST", CREATIONS, answer);
      await generate(tab, { name: "Nightly" });
      const isUnsure = answer.status !== 429;
      await (isUnsure ? alert("new.unsure") : alert(...words)).waitFor();
      await tab.unrouteAll();
      await button(isUnsure ? "tryAgain" : "new.generate").click();
      await assertOpens(page.gate, await shownToken(tab));
      assert.equal((await ownTokens()).length, 1);
    });
  }

  test("a proxy wants people to sign in: the page says so, and is there once they have", async () => {
    await goTo("#/workspace/audit");
    await tab.getByRole("button", { name: said("audit.show") }).waitFor();
    await tab.route(API, (route) =>
      route.fulfill({ status: 302, headers: { location: "https://sign-in.test/" } }),
    );
    await button("audit.show").click();
    await goTo("#/workspace/tokens");
    await heading(said("signIn.title")).waitFor();
    await alert("signIn.ended").waitFor();
    await tab.getByText(said("signIn.provider")).waitFor();
    await tab.unrouteAll();
    await button("signIn.again").click();
    await tab.getByRole("link", { name: said("workspace.tokens"), exact: true }).waitFor();
    assert.match(tab.url(), /#\/workspace\/tokens$/);
  });
});
