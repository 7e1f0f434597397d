// The demo app behind the gate. It trusts whoever reaches it: let only the
// gate do so.
import { json, problem, publicOrigin, wholeNumber } from "./answers.js";
import { echo } from "./echo.js";
import { jobs } from "./jobs.js";
import { large } from "./large.js";
import { odata } from "./odata.js";
import { HOME } from "./home.js";
import { websocket } from "./websocket.js";

// First match; a pattern is the whole path.
const ROUTES = [
  [/\//, home],
  [/\/api\/v1\/?/, () => json({ jobs: "/api/v1/jobs/" })],
  [/\/api\/v1\/jobs\/?/, jobs],
  [/\/odata(\/.*)?/, odata],
  [/\/echo(\/.*)?/, echo],
  [/\/ws/, websocket],
  [/\/large/, large],
  [/\/slow/, slow],
  [/\/redirect/, redirect],
  [/\/status\/[^/]+/, status],
  [/\/cookies/, cookies],
  [/\/public\/hello/, () => new Response("Hello from the upstream\n")],
  [/\/fail/, fail],
].map(([path, handler]) => [new RegExp(`^(?:${path.source})$`), handler]);

export default {
  fetch(request) {
    const url = new URL(request.url);
    const route = ROUTES.find(([path]) => path.test(url.pathname));
    if (route === undefined) return problem(404, "there is nothing here");
    return route[1](request, url);
  },
};

function home() {
  return new Response(HOME, {
    headers: { "Content-Type": "text/html; charset=utf-8" },
  });
}

async function slow(request, url) {
  const bounds = { fallback: 1000, min: 0, max: 120_000 };
  const ms = wholeNumber(url.searchParams.get("ms"), bounds);
  if (ms === undefined) {
    return problem(400, "ms must be a whole number from 0 to 120000");
  }
  await scheduler.wait(ms);
  return json({ waited: ms });
}

function redirect(request, url) {
  const to = url.searchParams.get("to") ?? "/public/hello";
  if (!/^[\x21-\x7e]+$/.test(to)) {
    return problem(400, "to must be visible ASCII");
  }
  return new Response(null, { status: 302, headers: { Location: to } });
}

function status(request, url) {
  const text = url.pathname.slice("/status/".length);
  const status = wholeNumber(text, { min: 200, max: 599 });
  if (status === undefined) {
    return problem(400, "the status must be from 200 to 599");
  }
  const empty = [204, 205, 304].includes(status);
  return empty ? new Response(null, { status }) : json({ status }, { status });
}

/** Sets one cookie for this host alone and one that names its domain. */
function cookies(request) {
  const { hostname } = new URL(publicOrigin(request));
  const answer = json({ cookie: request.headers.get("Cookie") });
  answer.headers.append("Set-Cookie", "visit=1; Path=/; HttpOnly");
  const theme = `theme=dark; Domain=${hostname}; Path=/; SameSite=Lax`;
  answer.headers.append("Set-Cookie", theme);
  return answer;
}

function fail() {
  throw new Error("the upstream failed, as asked");
}
