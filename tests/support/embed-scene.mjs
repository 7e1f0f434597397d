// Embeds as people meet them: the gate as `gate.test`, with the jobs board and an app of the test's
// own behind it, and host pages of other sites around it, all by HTTPS.

import { text } from "node:stream/consumers";
import { boardWorker } from "./board.mjs";
import { launchBrowser } from "./browser.mjs";
import { startRawGate } from "./gate.mjs";
import { startPortal } from "./portal-page.mjs";
import { startServer } from "./stand-ins.mjs";

/** Where places may be, and what `EMBED_HOST` says then. */
export const PLACES = {
  hosts: "*.embed.test",
  /** Of a host for embeds alone. */
  apart: "embed.test",
  /** Of the gate's own host. */
  paths: undefined,
};

/** The profiles in which embeds must work. */
export const PROFILES = ["default", "blocked"];

/** Keeps the events of all SDK elements as `<id> <type> <code>`, and messages that a page gets. */
const RECORDER = `if (window === top) {
  window.embedEvents = [];
  for (const type of ["ready", "renewed", "ended", "error"]) {
    document.addEventListener(type, ({ target, detail }) => {
      if (target.localName !== "gatepass-embed") return;
      window.embedEvents.push([target.id, type, detail?.code].filter(Boolean).join(" "));
    }, true);
  }
}
window.messages = [];
addEventListener("message", ({ data, origin }) => window.messages.push({ data, origin }));`;

/**
 * Starts all of it. The gate's apps are `jobs`, the board; `own`, the test's, which also stands
 * behind the main site; and `down`, which does not answer.
 *
 * @param {object} [options]
 * @param {keyof typeof PLACES} [options.places]
 * @param {object} [options.own] more of the app `own`'s configuration
 * @returns {Promise<Scene>}
 *
 * @typedef {object} Scene
 * @property {Awaited<ReturnType<typeof startRawGate>>} gate
 * @property {import("./portal-page.mjs").Portal} portal the host pages' server; `portal.test` may
 *   frame what is minted here
 * @property {App} app the test's own app
 * @property {(fields?: object) => Promise<object>} mint creates an embed token for single use, of
 *   Ada for the app `own` unless the fields say otherwise, and answers it
 * @property {(path: string, elements: Record<string, object>, page?: HostPage) => string}
 *   elements sets a host page with an SDK element for each id, and the endpoints that mint for them
 *   with these fields; answers its URL
 * @property {(path: string, urls: Record<string, string>, page?: HostPage) => string} frames sets a
 *   host page with a plain frame for each id; answers its URL
 * @property {() => Promise<void>} stop
 *
 * @typedef {{host?: string, headers?: Record<string, string>, html?: string, allow?: string}} HostPage
 *
 * @typedef {object} App
 * @property {string} url
 * @property {Asked[]} log every request, in order
 * @property {(path: string, answer: Answer | string | ((asked: Asked) => Answer | string)) => void}
 *   set sets or replaces what a path answers; a string is HTML
 * @typedef {{method: string, path: string, query: string, headers: Record<string, string>,
 *   body: string, user: string}} Asked
 * @typedef {{status?: number, headers?: object, body?: string}} Answer
 */
export async function startScene({ places = "hosts", own = {} } = {}) {
  const [app, portal] = await Promise.all([startApp(), startPortal()]);
  const gate = await startRawGate({
    https: "gate.test",
    upstream: boardWorker(),
    vars: {
      UPSTREAM: app.url,
      EMBED_HOST: PLACES[places],
      APPS: [
        { id: "jobs", name: "Jobs board", upstream: "service:DEMO" },
        {
          id: "own",
          name: "The test's own",
          allowedOrigins: [portal.origin("portal.test")],
          ...own,
        },
        { id: "down", name: "An app that is down", upstream: "http://127.0.0.1:1" },
      ],
    },
  });

  async function mint(fields = {}) {
    const answer = await gate.api("POST", "/tokens", {
      ...{ name: "a test's", kind: "embed", app: "own", user: { email: "ada@example.com" } },
      ...{ allowedOrigins: [portal.origin("portal.test")], singleUse: true },
      ...fields,
    });
    if (answer.status === 201) return answer.body;
    throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  function page(path, body, { host = "portal.test", headers, html = "" } = {}) {
    const sdk = `<script type="module" src="${gate.url}/gatepass/embed.js"></script>`;
    const head = `<meta charset="utf-8"><title>Host page</title>${body.includes("gatepass-embed") ? sdk : ""}`;
    const whole = `<!doctype html><html lang="en"><head>${head}</head><body>${html}${body}</body></html>`;
    return portal.set(host, path, { headers, body: whole });
  }

  return {
    ...{ gate, portal, app, mint },
    elements(path, elements, options = {}) {
      const { host = "portal.test", allow } = options;
      const tags = Object.entries(elements).map(([id, fields]) => {
        const endpoint = `${path}/embed-url-${id}`;
        portal.set(host, endpoint, async ({ body }) => {
          const { topLevel } = JSON.parse(body);
          const { embedUrl } = await mint({ ...fields, topLevel });
          const headers = { "content-type": "application/json" };
          return { headers, body: JSON.stringify({ embedUrl }) };
        });
        const allowing = allow === undefined ? "" : ` allow="${allow}"`;
        return `<gatepass-embed id="${id}" url-endpoint="${endpoint}"${allowing}></gatepass-embed>`;
      });
      return page(path, tags.join("\n"), options);
    },
    frames(path, urls, options = {}) {
      const allowing = options.allow === undefined ? "" : ` allow="${options.allow}"`;
      const tags = Object.entries(urls).map(
        ([id, url]) =>
          `<iframe id="${id}" src="${url}" width="640" height="400" title="${id}"${allowing}></iframe>`,
      );
      return page(path, tags.join("\n"), options);
    },
    stop: () => Promise.all([gate.stop(), portal.stop(), app.stop()]),
  };
}

/** An app that a test fills with pages; without one, `/` shows whose it is and has a form. */
async function startApp() {
  const pages = new Map();
  const log = [];
  const server = await startServer(async (request, response) => {
    const { method, headers } = request;
    const { pathname: path, search: query } = new URL(request.url, "http://app");
    const user = headers["gatepass-email"] ?? "nobody";
    const asked = { method, path, query, headers, user, body: await text(request) };
    log.push(asked);
    const page = pages.get(path) ?? { status: 404 };
    const given = typeof page === "function" ? page(asked) : page;
    const { status = 200, ...answer } = typeof given === "string" ? { body: given } : given;
    const type = { "content-type": "text/html; charset=utf-8" };
    response.writeHead(status, { ...type, ...answer.headers }).end(answer.body);
  });
  const set = (path, page) => pages.set(path, page);
  set("/", ({ user }) => ({
    headers: { "set-cookie": `who=${user}; Path=/` },
    body: `<!doctype html><html lang="en"><head><title>App</title><link rel="icon" href="data:,"></head>
      <body><h1 id="user">${user}</h1><label>Note <input id="note"></label></body></html>`,
  }));
  set("/cookies", ({ headers }) => ({
    headers: { "content-type": "application/json" },
    body: JSON.stringify(headers.cookie ?? ""),
  }));
  return { url: server.url, log, set, stop: server.stop };
}

/**
 * A browser for scenes.
 *
 * @param {Parameters<typeof launchBrowser>[0]} [options]
 */
export async function launchViewer(options) {
  const browser = await launchBrowser(options);
  await browser.context.addInitScript(RECORDER);
  return browser;
}

/** Waits for the frame that a host page shows in the element of an id: the SDK's or a plain one. */
export async function frameIn(page, id) {
  const shown = page.locator(`iframe#${id}, gatepass-embed#${id} iframe:not([inert])`);
  const frame = await (await shown.elementHandle()).contentFrame();
  await frame.waitForLoadState();
  return frame;
}

/** Waits for the SDK's hidden frame. */
export async function keeperIn(page, id) {
  const hidden = page.locator(`gatepass-embed#${id} iframe[inert]`);
  return (await hidden.elementHandle()).contentFrame();
}

/** Waits until the SDK's elements have raised so many events, and answers them all. */
export async function eventsOf(page, count, timeout = 15_000) {
  await page.waitForFunction((count) => window.embedEvents.length >= count, count, { timeout });
  return page.evaluate(() => window.embedEvents);
}
