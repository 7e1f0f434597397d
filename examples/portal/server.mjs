// A customer portal, as small as it gets: a page with two embeds of one app, for two people, and
// the two calls that its script makes. The operator key stays in this process.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { Gate, GateError } from "./gate.mjs";

const { GATE_URL = "http://localhost:8787", HOST = "127.0.0.1", PORT = "8788" } = process.env;
const { EMBED_HOST = `*.${new URL(GATE_URL).hostname}`, OPERATOR_KEY } = process.env;

if (!OPERATOR_KEY) {
  console.error("OPERATOR_KEY, the gate's operator key, must stand in the environment.");
  process.exit(1);
}

// Who may be shown. A real portal takes the person from its own session, never from the request.
const EMAILS = { ada: "ada@example.com", ben: "ben@example.com" };

const MINUTE = 60_000;
const LARGEST_BODY = 1_000;

const gateOrigin = new URL(GATE_URL).origin;
const gate = new Gate(gateOrigin, OPERATOR_KEY);
/** Places have host names of their own, with the gate's scheme and port; or paths of the gate's. */
const places = gateOrigin.replace(/[^/:]+(?=:\d+$|$)/, EMBED_HOST);

const POLICY = [
  "default-src 'none'",
  `script-src 'self' ${gateOrigin}`,
  "style-src 'self'",
  "img-src data:",
  // The SDK asks a place whether it is there, where a frame says nothing.
  `connect-src 'self' ${places} ${gateOrigin}`,
  `frame-src ${places} ${gateOrigin}`,
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const read = (name) => readFileSync(new URL(`public/${name}`, import.meta.url), "utf8");
const FILES = {
  "/": ["text/html", read("index.html").replaceAll("{{gate}}", gateOrigin)],
  "/portal.css": ["text/css", read("portal.css")],
  "/portal.js": ["text/javascript", read("portal.js")],
};

const ACTIONS = { "embed-url": embedUrl, "end-sessions": endSessions };

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!(error instanceof GateError)) console.error(error);
    const { code = "upstream_unavailable", message } = error instanceof GateError ? error : {};
    send(response, 502, { code, message });
  });
});

server.once("error", (error) => {
  console.error(`The portal cannot listen at ${HOST}:${PORT}: ${error.message}`);
  process.exit(1);
});
server.listen({ host: HOST, port: Number(PORT) }, () =>
  console.log(`The portal is at ${origin()}`),
);

/** The host page's origin, which the embeds are bound to. */
const origin = () => `http://${HOST}:${server.address().port}`;

async function answer(request, response) {
  const { method, url, headers } = request;
  const path = url.split("?")[0];
  const [, action, user] = /^\/([a-z-]+)\/([a-z]+)$/.exec(path) ?? [];
  const file = Object.hasOwn(FILES, path) && FILES[path];
  const known = Object.hasOwn(ACTIONS, action ?? "") && Object.hasOwn(EMAILS, user);

  // Under another name the page would be of another origin, which no embed is for.
  if (`http://${headers.host}` !== origin()) {
    if (method === "GET" && path === "/") return redirect(response, `${origin()}/`);
    return send(response, 421, { message: `This is ${origin()}` });
  }
  if (!file && !known) return send(response, 404, { message: "There is nothing here" });
  const allow = file ? ["GET", "HEAD"] : ["POST"];
  if (!allow.includes(method)) {
    response.setHeader("Allow", allow.join(", "));
    return send(response, 405, { message: "Method not allowed" });
  }
  if (file) return sendFile(response, ...file);
  if (!isOwnPage(headers)) {
    return send(response, 403, { code: "cross_site", message: "Only the portal's page may ask" });
  }
  const options = await optionsOf(request);
  if (!options) return send(response, 400, { code: "invalid_request", message: "JSON, and short" });
  return send(response, 200, await ACTIONS[action](EMAILS[user], options));
}

/** Whoever visits another site must not make or end anything here by that. */
function isOwnPage(headers) {
  const site = headers["sec-fetch-site"] ?? "same-origin"; // old browsers do not send it
  return site === "same-origin" && headers.origin === origin();
}

/** The body's JSON object; undefined if it is too long or something else. */
async function optionsOf(request) {
  const { "content-length": length, "content-type": type } = request.headers;
  if (!(Number(length) <= LARGEST_BODY) || !/^application\/json\b/.test(type)) return undefined;
  const value = await json(request).catch(() => undefined);
  return value && typeof value === "object" ? value : undefined;
}

/** An embed URL that opens once, within two minutes, in a frame of this page. */
async function embedUrl(email, { topLevel }) {
  const { embedUrl, allowedOrigins } = await gate.makeToken({
    kind: "embed",
    app: "jobs",
    name: "Portal demo",
    user: { email },
    allowedOrigins: [origin()],
    singleUse: true,
    sessionMinutes: 5,
    topLevel: topLevel === true,
    expiresAt: new Date(Date.now() + 2 * MINUTE).toISOString(),
  });
  return { embedUrl, allowedOrigins };
}

async function endSessions(email) {
  return { ended: await gate.endSessions(email) };
}

function sendFile(response, type, text) {
  response.writeHead(200, {
    "Content-Type": `${type}; charset=utf-8`,
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(text);
}

function send(response, status, body) {
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(JSON.stringify(body));
}

function redirect(response, location) {
  response.writeHead(302, { Location: location, "Cache-Control": "no-store" });
  response.end();
}
