// What the SDK meets, played by two small servers of two sites: a host page with its backend on
// 127.0.0.1, and under *.localhost a gate whose pages have Gatepass's real scripts and style.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const ROOT = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");
const SDK = read("www/embed.js");
const CSS = read("www/embed/page.css");
const WATCH = read("www/embed/watch.js");
const REFUSAL = read("www/embed/refusal.js");

/** Records every event of every element, and what the browser's policies have refused. */
const RECORDER = `
  window.events = [];
  window.violations = [];
  for (const type of ["ready", "renewed", "ended", "error"]) {
    document.addEventListener(type, ({ target, detail }) => {
      if (target.localName !== "gatepass-embed") return;
      const line = [target.id, type, detail?.code].filter(Boolean).join(" ");
      window.events.push(line);
    }, true);
  }
  document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(event.effectiveDirective + " " + event.blockedURI);
  });`;

/**
 * Starts both servers. What they do is set by changing the object that this answers.
 *
 * @returns {Promise<SdkGate>}
 *
 * @typedef {object} SdkGate
 * @property {string} host the host page's origin
 * @property {(place: string) => string} place a place's origin
 * @property {string} body what is in the host page
 * @property {string} [csp] the host page's
 * @property {(request: {renew: boolean, topLevel: boolean}) => object} backend answers the endpoint:
 *   `{status?, headers?, body}`, a `body` that is no string as JSON; throwing cuts the connection
 * @property {object[]} asked the endpoint's requests, `path` included
 * @property {{url: URL, headers: import("node:http").IncomingHttpHeaders}[]} entries
 * @property {string[]} origins those that may frame the gate's pages
 * @property {number} seconds that a session lasts
 * @property {string} [refusal] the code of the page that an entry shows instead
 * @property {string} [appRefusal] the code of the page that a place shows instead of the app
 * @property {string} [over] the code of the problem that watch pages are told
 * @property {number} looks how often watch pages have asked
 * @property {boolean} down cuts each of the gate's connections
 * @property {() => Promise<void>} stop
 */
export async function startSdkGate() {
  let minted = 0;
  const gate = {
    body: `<gatepass-embed id="a" url-endpoint="/a"></gatepass-embed>`,
    backend: ({ path }) => ({ body: { embedUrl: gate.mint(path.slice(1)) } }),
    mint(place) {
      minted += 1;
      return `${gate.place(place)}/embed-apps/jobs?personal-access-token=pat_embed_secret${minted}`;
    },
    asked: [],
    entries: [],
    seconds: 3600,
    looks: 0,
    down: false,
  };
  const host = await listen((request, response) => answerHost(gate, request, response));
  const places = await listen((request, response) => answerGate(gate, request, response));
  gate.host = `http://127.0.0.1:${host.port}`;
  gate.place = (place) => `http://${place}.localhost:${places.port}`;
  gate.origins = [gate.host];
  gate.stop = () => Promise.all([host.stop(), places.stop()]);
  return gate;
}

async function answerHost(gate, request, response) {
  if (request.method === "POST") {
    const asked = { path: request.url, ...JSON.parse(await text(request)) };
    gate.asked.push(asked);
    const { status = 200, headers, body } = gate.backend(asked);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    return response.end(typeof body === "string" ? body : JSON.stringify(body));
  }
  if (request.url === "/recorder.js") return send(response, "text/javascript", RECORDER);
  if (request.url !== "/") return response.writeHead(404).end();
  if (gate.csp) response.setHeader("content-security-policy", gate.csp);
  const sdk = `${gate.place("sdk")}/gatepass/embed.js`;
  send(
    response,
    "text/html",
    `<!doctype html><html lang="en"><title>Host</title><script src="/recorder.js"></script>
    <script type="module" src="${sdk}"></script><body>${gate.body}</body></html>`,
  );
}

function answerGate(gate, request, response) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  const [place] = url.hostname.split(".");
  if (gate.down) return response.destroy();
  if (url.pathname === "/gatepass/embed.js") {
    response.setHeader("access-control-allow-origin", "*");
    return send(response, "text/javascript", SDK);
  }
  if (url.pathname === "/embed-apps/jobs") {
    gate.entries.push({ url, headers: request.headers });
    if (gate.refusal) return sendRefusal(gate, response, gate.refusal);
    return response.writeHead(303, { location: `/gatepass/embed/${place}` }).end();
  }
  if (url.pathname === `/gatepass/embed/${place}`) {
    const data = `data-place="${place}" data-url="${url.origin}/" data-expires-in="${gate.seconds}"`;
    return sendPage(gate, response, "Session", data, "", WATCH);
  }
  if (url.pathname === `/gatepass/embed/${place}/session`) {
    gate.looks += 1;
    if (gate.over) response.statusCode = 401;
    const body = gate.over
      ? { code: gate.over }
      : { place, url: `${url.origin}/`, expiresAt: "", expiresIn: gate.seconds };
    return send(response, "application/json", JSON.stringify(body));
  }
  if (gate.appRefusal) return sendRefusal(gate, response, gate.appRefusal);
  send(
    response,
    "text/html",
    `<!doctype html><html lang="en"><title>App</title><h1>App ${place}</h1><input id="note">`,
  );
}

function sendRefusal(gate, response, code) {
  response.statusCode = 403;
  const button = `<button type="button" id="open-tab" hidden>Open in a new tab</button>`;
  const main = `<main><h1>Refused</h1><p>${code}</p>${code === "cookies_blocked" ? button : ""}</main>`;
  sendPage(gate, response, "Refused", `data-code="${code}"`, main, REFUSAL);
}

/** A page as Gatepass makes them: nothing but its own style and script, allowed by hash. */
function sendPage({ origins }, response, title, data, main, script) {
  const hash = (source) => `'sha256-${createHash("sha256").update(source).digest("base64")}'`;
  response.setHeader(
    "content-security-policy",
    `default-src 'none'; style-src ${hash(CSS)}; script-src ${hash(script)}; connect-src 'self'; ` +
      `frame-ancestors 'self' ${origins.join(" ")}; form-action 'none'; base-uri 'none'`,
  );
  send(
    response,
    "text/html",
    `<!doctype html><html lang="en" ${data} data-origins="${origins.join(" ")}"><head>` +
      `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
      `<title>${title}</title><style>${CSS}</style></head><body>${main}` +
      `<script>${script}</script></body></html>`,
  );
}

function send(response, type, body) {
  response.setHeader("content-type", `${type}; charset=utf-8`);
  response.setHeader("cache-control", "no-store");
  response.end(body);
}

async function listen(listener) {
  const server = createServer(async (request, response) => {
    try {
      await listener(request, response);
    } catch {
      response.destroy();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { port: server.address().port, stop };
}
