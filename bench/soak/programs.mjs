// Programs with good credentials.

import { PORTAL } from "../../tests/support/embeds.mjs";
import { basic } from "../../tests/support/tokens.mjs";
import { assertOpened, assertStatus, Wrong } from "./checks.mjs";
import { addressOf, anyAddress } from "./stage.mjs";
import { anyOf } from "./pool.mjs";

/** Ways to present a PAT. */
const WAYS = [
  (token) => ({ authorization: `Bearer ${token}` }),
  (token) => ({ authorization: `Bearer ${token}` }),
  (token) => ({ "x-api-key": token }),
  (token) => ({ "private-token": token }),
];

/** Presents a PAT, which must open for its owner. */
export async function knock(stage, { token, user }, what, headers = anyOf(WAYS)(token)) {
  const all = { "cf-connecting-ip": addressOf(user), ...headers };
  assertOpened(await stage.ask({ target: "/echo/knock", headers: all }), user, what);
}

/** A PAT that many requests come with. */
export const warm = (stage) => knock(stage, stage.pickPat(), "a good PAT");

/** One that hardly any comes with: its record is in KV. */
export const cold = (stage) => knock(stage, anyOf(stage.cold), "a good PAT, cold");

/** As the password of Basic. */
export function asPassword(stage) {
  const pat = stage.pickPat();
  return knock(stage, pat, "a PAT as a password", { authorization: basic("bi", pat.token) });
}

/** The ledger is asked at each use. */
export const strict = (stage) => knock(stage, anyOf(stage.strict), "a strict PAT");

/** The demo upstream's own answers, good and bad, come through. */
export async function upstreamsOwn(stage) {
  const { token } = stage.pickPat();
  const headers = { authorization: `Bearer ${token}` };
  const [target, status] = anyOf([
    ["/api/v1/jobs/?page=1&page_size=3", 200],
    ["/odata/", 200],
    ["/status/404", 404],
    ["/status/503", 503],
    ["/redirect", 302],
  ]);
  const answer = await stage.ask({ target, headers });
  if (answer.status !== status) throw new Wrong(`the upstream's ${status}`, answer);
}

/** A public route, whatever a client says of itself. */
export async function publicRoute(stage) {
  const headers = { "gatepass-user": "mallory", "cf-connecting-ip": anyAddress() };
  const answer = await stage.ask({ target: "/public/hello", headers });
  assertStatus(answer, 200, "a public route");
}

/** A preflight of a page that may read the answers, and of another. */
export async function preflight(stage) {
  const [origin, status] = anyOf([
    [PORTAL, 204],
    ["https://evil.example", 403],
  ]);
  const headers = { origin, "access-control-request-method": "GET" };
  const answer = await stage.ask({ method: "OPTIONS", target: "/odata/", headers });
  assertStatus(answer, status, `a preflight from ${origin}`);
  const allowed = answer.headers["access-control-allow-origin"];
  if (allowed !== (status === 204 ? PORTAL : undefined))
    throw new Wrong("a preflight", answer, true);
}

/** What is there for anybody. */
export async function forAnybody(stage) {
  const target = anyOf(["/gatepass/healthz", "/gatepass/jwks.json", "/gatepass/api/openapi.json"]);
  assertStatus(await stage.ask({ target }), 200, target);
}
