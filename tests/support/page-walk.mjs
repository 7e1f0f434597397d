// A walk through the tokens page: every screen and every dialog, for whoever sees them. `see(tab, name)`
// is called at each; what is there is said in the language of `say`.

import { auditWhenThere } from "./audit.mjs";
import { assertShut } from "./api.mjs";
import { openWith } from "./embeds.mjs";
import { setSettings } from "./settings.mjs";
import { NAMES, startPageWithTokens } from "./standings.mjs";
import { said, startPage } from "./tokens-page.mjs";

/** Who has tokens of every standing. */
export const OWNER = { id: "ada", email: "ada.lovelace@example.com" };

/** The owner's claims. */
export const AS_OWNER = { sub: OWNER.id, email: OWNER.email };

const WORKSPACE = "default";
const HOW_TO = ["curl", "powerBi", "excel", "python", "javaScript"];
const SCOPES = [
  { name: "jobs:read", description: "See the jobs of your own department" },
  { name: "jobs:write", description: "Change them" },
];

/**
 * Starts two gates: `page`, where a provider signs people in, and `byKey`, where the operator key does
 * and nothing can be embedded.
 */
export async function startPages() {
  const [page, byKey] = await Promise.all([
    startPageWithTokens(OWNER, { provider: true }),
    startPage({ vars: { APPS: [], WORKSPACES: [WORKSPACE, "acme"] } }),
  ]);
  return { page, byKey, stop: () => Promise.all([page.stop(), byKey.stop()]) };
}

/** What is done with the page by somebody who reads it in the language of `say`. */
const handOf = (tab, say) => {
  const button = (key) => tab.getByRole("button", { name: say(key), exact: true });
  const field = (key) => tab.getByLabel(say(key), { exact: true });
  const dialog = tab.getByRole("dialog");
  return {
    ...{ button, field, dialog },
    text: (key) => tab.getByText(say(key)),
    press: (key) => button(key).click(),
    fill: (key, value) => field(key).fill(value),
    /** Follows a link of the navigation. */
    follow: (key, nav = "nav") =>
      tab
        .getByRole("navigation", { name: say(nav), exact: true })
        .getByRole("link", { name: say(key), exact: true })
        .click(),
    async cancel() {
      await dialog.getByRole("button", { name: say("cancel") }).click();
      await dialog.waitFor({ state: "detached" });
    },
  };
};

/** Somebody whom the provider has not signed in. */
export async function walkAsNobody({ page, browser, say = said, see }) {
  await browser.context.clearCookies();
  const tab = await page.open(browser);
  await handOf(tab, say).button("signIn.again").waitFor();
  await see(tab, "not-signed-in");
  await tab.close();
}

/** Somebody with tokens, and before that a newcomer. */
export async function walkAsUser({ page, browser, say = said, see }) {
  await page.signIn(browser);
  const tab = await page.open(browser);
  const hand = handOf(tab, say);
  await hand.text("empty.title").waitFor();
  await see(tab, "empty");

  await page.signIn(browser, AS_OWNER);
  await tab.reload();
  await tab.getByRole("link", { name: NAMES.expired }).waitFor();
  await see(tab, "list");

  await hand.follow("nav.new");
  await tab.getByRole("checkbox", { name: "tokens" }).check();
  await hand.text("new.advanced").click();
  await see(tab, "new");
  await tab.getByRole("radio", { name: say("new.date") }).check();
  await see(tab, "new-until-a-day");
  await tab.getByRole("radio", { name: say("never") }).check();
  await see(tab, "new-forever");

  await hand.fill("name", "Power BI");
  await hand.fill("descriptionOptional", "The monthly report");
  await hand.fill("new.addresses", "192.0.2.0/24\n2001:db8::/32");
  await hand.press("new.generate");
  for (const tool of HOW_TO) {
    await tab.getByRole("tab", { name: say(`howTo.${tool}`) }).click();
    await see(tab, `secret-${tool}`);
  }
  await hand.press("secret.done");
  await hand.button("secret.closeAnyway").waitFor();
  await see(tab, "secret-warning");
  await hand.press("secret.closeAnyway");

  await hand.text("action.token.created").waitFor();
  await see(tab, "token");
  for (const action of ["rename", "rotate", "revoke"]) {
    await hand.press(action);
    await hand.dialog.waitFor();
    await see(tab, action);
    await hand.cancel();
  }
  await hand.press("disable");
  await hand.text("state.disabled.means").waitFor();
  await hand.text("action.token.disabled").waitFor();
  await see(tab, "token-disabled");
  await tab.close();
}

/** What a user sees who is refused something, or whose network drops. */
export async function walkAsUserIntoTrouble({ page, browser, say = said, see }) {
  await page.signIn(browser, AS_OWNER);
  const tab = await page.open(browser, "#/new");
  const hand = handOf(tab, say);

  await hand.text("new.advanced").click();
  await hand.fill("name", "Power BI");
  await hand.fill("new.addresses", "here");
  await hand.press("new.generate");
  await hand.text("error.invalid_field.allowedIps").waitFor();
  await see(tab, "new-refused");

  await hand.fill("new.addresses", "");
  await losing(tab, () => hand.press("new.generate"));
  await hand.text("new.unsure").waitFor();
  await see(tab, "new-unsure");
  await hand.press("tryAgain");
  await hand.button("lost.renew").waitFor();
  await see(tab, "lost");
  await tab.getByRole("link", { name: say("lost.look") }).click();
  await hand.button("rename").waitFor();

  const isList = /\/gatepass\/api\/tokens\?/;
  await tab.route(isList, (route) => route.abort());
  await hand.follow("nav.tokens");
  await hand.button("tryAgain").waitFor();
  await see(tab, "error");
  await tab.unroute(isList);

  await tab.goto(`${page.origin}/gatepass/#/tokens/0000-00000000000000000000000000`);
  await hand.text("error.404.token_unknown").waitFor();
  await see(tab, "token-unknown");

  for (const [name, key, settings] of [
    ["new-switched-off", "new.off", { creation: false }],
    ["new-for-admins", "new.admins", { whoMayCreate: "admins" }],
  ]) {
    await setSettings(page.gate, WORKSPACE, settings);
    await tab.goto(`${page.origin}/gatepass/#/new`);
    await tab.reload();
    await hand.text(key).waitFor();
    await see(tab, name);
  }
  await setSettings(page.gate, WORKSPACE);
  await tab.close();
}

/** Does what makes a token, and the answer gets lost. */
async function losing(tab, make) {
  const isCreation = /\/gatepass\/api\/tokens$/;
  await tab.route(isCreation, async (route) => {
    await route.fetch();
    await route.abort();
  });
  const lost = tab.waitForEvent("requestfailed");
  await make();
  await lost;
  await tab.unroute(isCreation);
}

/** An admin, where embeds are looked at and something was refused. */
export async function walkAsAdmin({ page, browser, say = said, see }) {
  const embed = await makeHistory(page.gate);
  await page.signIn(browser, { role: "admin" });
  const tab = await page.open(browser, "#/embeds");
  const hand = handOf(tab, say);
  await hand.button("sessions.end").first().waitFor();
  await hand.text("new.advanced").click();
  await see(tab, "embeds");

  await hand.fill("embed.user", OWNER.email);
  await hand.press("embed.create");
  await hand.field("embed.url").waitFor();
  await see(tab, "embed-made");
  await hand.press("embed.showPreview");
  const preview = tab.frameLocator(`iframe[title="${say("embed.preview")}"]`);
  await preview.locator("#windows", { hasText: "open in" }).waitFor();
  await see(tab, "embed-preview");
  await hand.dialog
    .getByRole("button", { name: say("close") })
    .first()
    .click();

  await tab.goto(`${page.origin}/gatepass/#/tokens/${embed.id}`);
  await hand.button("sessions.endAll").waitFor();
  await hand.text("action.session.opened").first().waitFor();
  await see(tab, "embed-token");
  await hand.button("sessions.end").first().click();
  await hand.dialog.waitFor();
  await see(tab, "session-end");
  await hand.cancel();
  await hand.press("sessions.endAll");
  await hand.dialog.waitFor();
  await see(tab, "sessions-end");
  await hand.cancel();

  await hand.follow("nav.workspace");
  for (const [at, { name, description }] of SCOPES.entries()) {
    await hand.press("settings.addScope");
    const row = tab.getByRole("group", { name: say("settings.scope", { count: at + 1 }) });
    await row.getByLabel(say("name")).fill(name);
    await row.getByLabel(say("settings.scopeMeans")).fill(description);
  }
  await tab.getByRole("checkbox", { name: say("settings.bounded") }).check();
  await see(tab, "settings");

  await hand.follow("workspace.tokens", "workspace");
  await tab.getByRole("link", { name: NAMES.expired }).waitFor();
  await see(tab, "everybody");
  await hand.follow("workspace.audit", "workspace");
  await hand.text("result.token_disabled").first().waitFor();
  await see(tab, "audit");
  await tab.close();
}

/** Two live sessions of an embed token, and a refusal; answers the embed token. */
export async function makeHistory(gate) {
  const fields = { kind: "embed", app: "jobs", user: OWNER, sessionMinutes: 60 };
  const portal = {
    name: "Embed of the customer portal",
    allowedOrigins: ["https://portal.example"],
  };
  const { body: embed } = await gate.api("POST", "/tokens", { ...fields, ...portal });
  for (const headers of [[], [["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Test/1.0"]]]) {
    await openWith(gate, embed, embed.embedUrl, headers);
  }
  const { id, token } = await gate.createToken({ name: "Put on hold", user: OWNER });
  await gate.api("PATCH", `/tokens/${id}`, { enabled: false });
  await assertShut(gate, token, "token_disabled");
  await auditWhenThere(gate, { token: id, result: "token_disabled" });
  return embed;
}

/** The operator, where the operator key signs people in. */
export async function walkAsOperator({ byKey, browser, say = said, see }) {
  const tab = await byKey.open(browser);
  const hand = handOf(tab, say);
  await hand.field("signIn.key").waitFor();
  await see(tab, "sign-in");
  await signIn(byKey, hand);
  await hand.text("list.noneAtAll").waitFor();
  await see(tab, "tokens");
  await hand.follow("nav.new");
  await hand.field("new.owner").waitFor();
  await see(tab, "new");
  await hand.follow("nav.embeds");
  await hand.text("embeds.none").waitFor();
  await see(tab, "embeds-none");
  await hand.follow("nav.workspace");
  await hand.follow("workspace.tokens", "workspace");
  await hand.text("list.noneAtAll").waitFor();
  await see(tab, "everybody-none");
  await hand.follow("workspace.audit", "workspace");
  await hand.text("action.operator.signed_in").nth(1).waitFor();
  await see(tab, "audit");
  await hand.press("signOut");
  await hand.field("signIn.key").waitFor();
  await tab.close();
}

/** The operator who is refused something, and whose sign-in ends. */
export async function walkAsOperatorIntoTrouble({ byKey, browser, say = said, see }) {
  const tab = await byKey.open(browser);
  const hand = handOf(tab, say);
  await hand.fill("signIn.key", "not the key");
  await hand.press("signIn.do");
  await hand.text("signIn.wrong").waitFor();
  await see(tab, "sign-in-wrong");

  await signIn(byKey, hand);
  await hand.follow("nav.workspace");
  await tab.getByRole("checkbox", { name: say("settings.knownUsersOnly") }).waitFor();
  await hand.fill("embed.origins", "https://portal.example/path");
  await hand.press("save");
  await hand.text("error.invalid_field.allowedOrigins").waitFor();
  await see(tab, "settings-refused");

  await tab.evaluate(() => fetch("/gatepass/api/sign-in", { method: "DELETE" }));
  await hand.follow("nav.allTokens");
  await hand.text("signIn.ended").waitFor();
  await see(tab, "sign-in-ended");
  await tab.close();
}

async function signIn({ gate }, hand) {
  await hand.fill("signIn.key", gate.operatorKey);
  await hand.press("signIn.do");
  await hand.button("signOut").waitFor();
}

/** All of them, by who walks. */
export const WALKS = {
  nobody: walkAsNobody,
  user: walkAsUser,
  "user-in-trouble": walkAsUserIntoTrouble,
  admin: walkAsAdmin,
  operator: walkAsOperator,
  "operator-in-trouble": walkAsOperatorIntoTrouble,
};
