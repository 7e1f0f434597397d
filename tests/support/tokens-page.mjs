// The tokens page in a real browser: a gate that has it, and somebody who is signed in.

import { en } from "../../www/page/texts/en.js";
import { boardWorker } from "./board.mjs";
import { startRawGate } from "./gate.mjs";
import { startProvider } from "./oidc.mjs";
import { identityBy, newPerson } from "./people.mjs";

const COOKIE = "identity";

/** A text of the page as people read it, `{name}` replaced by the value of that name. */
export function said(key, values = {}, catalogue = en) {
  const form = values.count === 1 ? "one" : "other";
  const text = catalogue[key]?.[form] ?? catalogue[key];
  if (text === undefined) throw new Error(`the page does not say ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Makes a token by the form, as whoever is signed in; `owner` is for the operator. */
export async function generate(
  tab,
  { name = "a test's", description = "", owner, scopes = [] } = {},
) {
  await tab
    .getByRole("navigation")
    .getByRole("link", { name: said("nav.new") })
    .click();
  if (owner) await tab.getByLabel(said("new.owner"), { exact: true }).fill(owner);
  await tab.getByLabel(said("name"), { exact: true }).fill(name);
  await tab.getByLabel(said("descriptionOptional"), { exact: true }).fill(description);
  for (const scope of scopes) await tab.getByLabel(scope, { exact: true }).check();
  await tab.getByRole("button", { name: said("new.generate"), exact: true }).click();
}

/** The token that is shown once. */
export const shownToken = (tab) =>
  tab.getByRole("dialog").getByLabel(said("secret.token"), { exact: true }).inputValue();

/**
 * Starts a gate with the demo upstream, the jobs board to embed, and the page.
 *
 * @param {object} [options]
 * @param {boolean} [options.provider] whether an identity provider signs people in; else they do so
 *   with the operator key
 * @param {object} [options.vars] as of `startRawGate`
 */
export async function startPage({ provider: hasProvider = false, vars = {}, ...options } = {}) {
  const provider = hasProvider ? await startProvider() : undefined;
  const gate = await startRawGate({
    workers: [boardWorker()],
    services: { BOARD: boardWorker().name },
    vars: {
      APPS: [{ id: "jobs", name: "Jobs board", upstream: "service:BOARD" }],
      EMBED_HOST: "*.localhost",
      ...(provider && { IDENTITY: identityBy(provider, { cookie: COOKIE }) }),
      ...vars,
    },
    ...options,
  });
  const origin = `http://localhost:${gate.port}`;

  /** Opens the page for somebody, in a tab of a browser. */
  async function open(browser, to = "") {
    const tab = await browser.newTab(`${origin}/gatepass/${to}`);
    await tab.locator("h1").waitFor();
    return tab;
  }

  return {
    ...{ gate, provider, origin, open },

    /** Signs somebody in by the provider: `{role}` says whether they are an admin. */
    async signIn(browser, { role = "user", ...claims } = {}) {
      const roles = role === "admin" ? ["admin"] : [];
      const person = newPerson({ roles, ...claims });
      const value = await provider.token(person);
      await browser.context.addCookies([{ name: COOKIE, value, url: origin }]);
      return person;
    },

    /** Signs in with the operator key, by the form. */
    async signInByKey(tab) {
      await tab.getByLabel(said("signIn.key"), { exact: true }).fill(gate.operatorKey);
      await tab.getByRole("button", { name: said("signIn.do") }).click();
      await tab.getByRole("heading", { level: 1, name: said("nav.allTokens") }).waitFor();
    },

    async stop() {
      await gate.stop();
      await provider?.stop();
    },
  };
}

/**
 * What does not fit into a screen's width: the page or a dialog scrolls sideways, a control is wider
 * than what it is in, a word is broken.
 */
export const misfits = (tab) =>
  tab.evaluate(() => {
    const found = [];
    for (const box of [document.scrollingElement, ...document.querySelectorAll("dialog")]) {
      const { localName, scrollWidth, clientWidth } = box;
      if (scrollWidth > clientWidth)
        found.push(`${localName}: ${scrollWidth} px in ${clientWidth} px`);
    }
    for (const control of document.querySelectorAll("button, input, select, textarea, iframe")) {
      const [{ right }, around] = [control, control.parentElement].map((element) =>
        element.getBoundingClientRect(),
      );
      if (right > around.right + 1) found.push(`too wide: ${control.outerHTML}`);
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = new Range();
    while (texts.nextNode()) {
      const text = texts.currentNode;
      // These are to be copied, and have no words.
      if (text.parentElement.closest("code, .hidden")) continue;
      for (const { index, 0: word } of text.data.matchAll(/(?<!\S)\p{L}+(?!\S)/gu)) {
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        const lines = new Set([...range.getClientRects()].map(({ top }) => top));
        if (lines.size > 1) found.push(`broken: ${word}`);
      }
    }
    return found;
  });
