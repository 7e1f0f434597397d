// A real Chromium with a profile of its own, in which every name that ends in `.test` is this machine
// and shows the certificate of https.mjs.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { CHROMIUM_ADVICE, findChromium } from "../../scripts/lib/chromium.mjs";
import { testCertificate } from "./https.mjs";
import { noteAnswer } from "./secrecy.mjs";
import { mustHoldNone } from "./secrets.mjs";
import { filesIn } from "./state.mjs";

const TIMEOUT = 15_000;

// Milliseconds that bodies which a browser still reads have when it is closed.
const NOTED_WITHIN = 1_000;

/** What a person may have set; tests/browser/profiles.test.mjs shows what each of them does. */
const PROFILES = {
  /** As Chrome comes: third-party cookies are sent. Debian's Chromium comes otherwise. */
  default: { cookie_controls_mode: 0 },
  /** Third-party cookies are blocked; partitioned ones are not. */
  blocked: { cookie_controls_mode: 1 },
  /** All cookies are blocked. */
  none: { cookie_controls_mode: 0, default_content_setting_values: { cookies: 2 } },
};

// Nothing here asks the internet for anything.
const QUIET = [
  "--disable-background-networking",
  // Playwright's own list without ThirdPartyStoragePartitioning, which people have on; the last one
  // counts.
  "--disable-features=DialMediaRouteProvider,GlobalMediaControls,HttpsUpgrades,MediaRouter,PaintHolding,Translate",
  "--disable-component-update",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
];

// What Playwright turns off and people have on.
const KEPT = ["--disable-popup-blocking"];

/**
 * Starts Chromium without a window.
 *
 * @param {object} [options]
 * @param {keyof typeof PROFILES} [options.profile]
 * @param {string} [options.folder] an empty folder for the profile, to be read after `close`; by
 *   default one that `close` removes
 * @param {string} [options.locale] the language of the person, `en-US` unless told otherwise
 * @returns {Promise<Browser>}
 *
 * @typedef {object} Browser
 * @property {import("playwright-core").BrowserContext} context
 * @property {(url?: string) => Promise<import("playwright-core").Page>} newTab opens a tab, and the
 *   URL in it
 * @property {string[]} console `<type>: <text>` of each message of a page or frame, `uncaught: …` of
 *   each error
 * @property {() => Promise<Seen[]>} requests what all tabs and frames have asked for, in order
 * @property {() => Promise<void>} close closing twice does no harm
 *
 * @typedef {object} Seen one request; each hop of a redirect is one
 * @property {string} method
 * @property {string} url
 * @property {string} type `document` (a frame's, too), `script`, `image`, `fetch` …
 * @property {Record<string, string>} headers as sent, by lower-case name; as long as the request is
 *   in flight, without cookies and others that the network adds
 * @property {number} [status] absent as long as there is no answer
 * @property {[string, string][]} [answered] the answer's headers; one `set-cookie` each
 */
export async function launchBrowser({ profile = "default", folder, locale = "en-US" } = {}) {
  const executablePath = findChromium();
  if (!executablePath) throw new Error(`There is no browser. ${CHROMIUM_ADVICE}`);
  const userData = folder ?? (await mkdtemp(join(tmpdir(), "gatepass-browser-")));
  await mkdir(join(userData, "Default"));
  const preferences = JSON.stringify({ profile: PROFILES[profile] });
  await writeFile(join(userData, "Default", "Preferences"), preferences);
  const context = await chromium.launchPersistentContext(userData, {
    executablePath,
    args: [
      ...QUIET,
      "--host-resolver-rules=MAP *.test 127.0.0.1",
      `--ignore-certificate-errors-spki-list=${testCertificate().spki}`,
    ],
    ignoreDefaultArgs: KEPT,
    locale,
  });
  context.setDefaultTimeout(TIMEOUT);
  const messages = [];
  const requests = [];
  const responses = new Map();
  const noted = [];
  context.on("console", (message) => messages.push(`${message.type()}: ${message.text()}`));
  context.on("weberror", (error) => messages.push(`uncaught: ${error.error().message}`));
  context.on("request", (request) => requests.push(request));
  context.on("response", (response) => {
    responses.set(response.request(), response);
    // What a tab that is closed did not tell any more, nobody was shown.
    noted.push(note(response).catch(() => {}));
  });
  return {
    context,
    async newTab(url) {
      const page = await context.newPage();
      if (url !== undefined) await page.goto(url);
      return page;
    },
    console: messages,
    requests: () =>
      Promise.all(requests.map((request) => describe(request, responses.get(request)))),
    async close() {
      const late = new Promise((done) => setTimeout(done, NOTED_WITHIN));
      await Promise.race([Promise.allSettled(noted), late]);
      mustHoldNone(messages.join("\n"), "the browser's console");
      await context.close();
      if (folder === undefined) await rm(userData, { recursive: true, force: true });
    },
  };
}

/** Tells the witness of secrets of an answer, and of the page that the request says it comes from. */
async function note(response) {
  const request = response.request();
  mustHoldNone((await request.headerValue("referer")) ?? "", "a Referer");
  const { port, pathname, search } = new URL(response.url());
  const answered = (await response.headersArray()).map(({ name, value }) => [name, value]);
  const asked = { port, method: request.method(), target: pathname + search };
  // A redirect has no body, a stream none that ends.
  const body = await response.body().catch(() => "");
  noteAnswer(asked, { status: response.status(), headers: answered, body });
}

async function describe(request, response) {
  const isOver = response !== undefined || request.failure() !== null;
  const seen = {
    method: request.method(),
    url: request.url(),
    type: request.resourceType(),
    headers: isOver ? await request.allHeaders() : request.headers(),
  };
  if (response === undefined) return seen;
  const answered = (await response.headersArray()).map(({ name, value }) => [name, value]);
  return { ...seen, status: response.status(), answered };
}

/**
 * The URLs of a tab's own history, oldest first.
 *
 * @param {import("playwright-core").Page} page
 */
export async function historyOf(page) {
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  await devtools.detach();
  return entries.map(({ url }) => url);
}

/**
 * What is in the clipboard, as a person pastes it.
 *
 * @param {Browser} browser
 */
export async function pasted(browser) {
  const page = await browser.newTab();
  await page.setContent("<textarea></textarea>");
  const field = page.locator("textarea");
  await field.press("ControlOrMeta+v");
  const text = await field.inputValue();
  await page.close();
  return text;
}

/**
 * The files of a closed browser's profile that hold a text, as UTF-8 or UTF-16: history, session,
 * cache, cookies, whatever it has written.
 */
export async function profileFilesWith(folder, text) {
  const forms = [Buffer.from(text), Buffer.from(text, "utf16le")];
  const found = [];
  for (const file of await filesIn(folder)) {
    const bytes = await readFile(file);
    if (forms.some((form) => bytes.includes(form))) found.push(file);
  }
  return found;
}

/**
 * What axe finds wrong in one document, without the frames in it: a line for each element. All of
 * axe's rules apply, the size of targets included. Where a policy forbids inline styles, the browser's
 * console gets an error from axe itself.
 *
 * @param {import("playwright-core").Frame | import("playwright-core").Page} frame
 */
export async function findBarriers(frame) {
  if (!(await frame.evaluate(() => "axe" in globalThis))) await frame.evaluate(axe.source);
  const { violations } = await frame.evaluate(() =>
    globalThis.axe.run(document, {
      iframes: false,
      resultTypes: ["violations"],
      rules: { "target-size": { enabled: true } },
    }),
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help}: ${html}`),
  );
}
