// Answers of every kind that the gate gives of its own, for what must hold of all of them.

import { AS, enter, JOBS, metadata, mint, newUser, open } from "./embeds.mjs";
import { rawRequest } from "./raw.mjs";
import { basic, keyOf, makeRecord, makeToken, seconds } from "./tokens.mjs";

const JSON_BODY = [["Content-Type", "application/json"]];
const FORM = [["Content-Type", "application/x-www-form-urlencoded"]];
const ANY_PATH = "/api/v1/jobs/";
const TOOLJET = "/api/ext/users/personal-access-token";

/** What a gate needs for all of them: an app that is down, and look-ups that come to an end. */
export const FOR_OWN_ANSWERS = {
  apps: [JOBS, { id: "gone", name: "Gone", upstream: "http://127.0.0.1:9" }],
  limiter: { budget: 200 },
};

const bearer = (token) => [["Authorization", `Bearer ${token}`]];
const password = (secret) => [["Authorization", basic("", secret)]];

/**
 * What was asked → the answer; and every secret that was presented.
 *
 * @returns {Promise<{answers: Record<string, import("./raw.mjs").Answer>, secrets: string[]}>}
 */
export async function answersOfItsOwn(gate) {
  const ask = (target, headers = [], options) =>
    rawRequest({ port: gate.port, target, headers, ...options });
  const post = (target, headers, body) => ask(target, headers, { method: "POST", body });
  const operator = password(gate.operatorKey);
  const manage = (method, path, body, headers = JSON_BODY) =>
    ask(`/gatepass/api${path}`, [...operator, ...headers], { method, body });

  const tokens = await tokensOfEveryState(gate);
  const visit = await open(gate);
  const goneVisit = await open(gate, { app: "gone" });
  const embed = await mint(gate);
  const entered = await mint(gate);
  const doomed = await gate.createToken({ user: newUser() });
  const unknownEmbed = makeToken({ kind: "pat_embed" });
  const wrongKey = "x".repeat(40);
  const again = [...JSON_BODY, ["Idempotency-Key", "k"]];
  const creation = (name) => JSON.stringify({ name, user: { id: "own-answers" } });
  await manage("POST", "/tokens", creation("one"), again);
  const asToolJet = '{"email":"tj@example.com","appId":"jobs"}';

  const { good } = tokens;
  const fetched = metadata("image", "no-cors", "cross-site");
  const answers = {
    "no credential": await ask(ANY_PATH),
    "no credential, by HEAD": await ask(ANY_PATH, [], { method: "HEAD" }),
    "no credential, by a browser": await ask(ANY_PATH, AS.tab),
    "an empty Bearer": await ask(ANY_PATH, bearer("")),
    "no token": await ask(ANY_PATH, bearer("x")),
    "an unknown token": await ask(ANY_PATH, bearer(tokens.unknown)),
    "an expired token": await ask(ANY_PATH, bearer(tokens.expired)),
    "a revoked token": await ask(ANY_PATH, bearer(tokens.revoked)),
    "a disabled token": await ask(ANY_PATH, bearer(tokens.disabled)),
    "a used token": await ask(ANY_PATH, bearer(tokens.used)),
    "an embed token": await ask(ANY_PATH, bearer(embed.token)),
    "two credentials": await ask(ANY_PATH, [...bearer(good), ["X-API-Key", good]]),
    "a path with two readings": await ask("/public/..%2fx", bearer(good)),
    "a missing scope": await ask(ANY_PATH, bearer(tokens.scopeless)),
    "another address": await ask(ANY_PATH, bearer(tokens.bound)),
    "Basic, by another site": await ask(ANY_PATH, [...password(good), ...fetched]),
    "a preflight": await ask(ANY_PATH, PREFLIGHT, { method: "OPTIONS" }),
    "too many look-ups": await lookUpTooOften(ask),
    "a long credential": await ask(ANY_PATH, bearer("a".repeat(5000))),
    "a store that fails": await ask(ANY_PATH, bearer(tokens.unread)),
    "a method that is not forwarded": await ask(ANY_PATH, bearer(good), { method: "TRACE" }),

    "the health": await ask("/gatepass/healthz"),
    "no such path": await ask("/gatepass/nothing"),
    "the API without a credential": await ask("/gatepass/api/tokens"),
    "the API with a wrong key": await ask("/gatepass/api/tokens", password(wrongKey)),
    "the API without its scope": await ask("/gatepass/api/tokens", bearer(tokens.scopeless)),
    "who asks": await manage("GET", "/sign-in"),
    "who asks, nobody": await ask("/gatepass/api/sign-in"),
    "a list": await manage("GET", "/tokens"),
    "a new token": await manage("POST", "/tokens", creation("new")),
    "no such token": await manage("GET", "/tokens/0000-00000000000000000000000000"),
    "a revocation": await manage("DELETE", `/tokens/${doomed.id}`),
    "a wrong field": await manage("POST", "/tokens", '{"name":""}'),
    "a key with another body": await manage("POST", "/tokens", creation("two"), again),
    "a long body": await manage("POST", "/tokens", " ".repeat(70_000)),
    "a body that is no JSON": await manage("POST", "/tokens", "x=1", FORM),
    "a wrong method": await manage("PUT", "/tokens", "{}"),
    "an introspection": await post("/gatepass/oauth/introspect", [...operator, ...FORM], "token=x"),
    "an introspection by nobody": await post("/gatepass/oauth/introspect", FORM, "token=x"),
    "a revocation by nobody": await post("/gatepass/oauth/revoke", FORM, "token=x"),
    "ToolJet's by nobody": await post(TOOLJET, JSON_BODY, "{}"),
    "ToolJet's": await post(TOOLJET, [...operator, ...JSON_BODY], asToolJet),
    "12d's by nobody": await ask("/api/v1/auth/getPersonalAccessTokens"),

    "an entry": await enter(gate, entered.embedUrl),
    "an entry in a tab": await enter(gate, embed.embedUrl, { as: AS.tab }),
    "an entry at another host": await ask(new URL(embed.embedUrl).pathname, AS.frame),
    "an entry without a token": await enter(gate, embed.embedUrl.split("?")[0]),
    "an entry with an unknown token": await enter(
      gate,
      embed.embedUrl.replace(embed.token, unknownEmbed),
    ),
    "a place without a session": await visit.ask("/", { as: AS.frame, cookie: null }),
    "a script without a session": await visit.ask("/", { cookie: null }),
    "a place, by another site": await visit.ask("/", { as: fetched }),
    "a place whose app is down": await goneVisit.ask("/"),
    "the watch page": await visit.own(`/gatepass/embed/${visit.place}`, { as: AS.frame }),
  };
  const embeds = [embed.token, entered.token, unknownEmbed, visit.value, goneVisit.value];
  const secrets = [...Object.values(tokens), ...embeds, gate.operatorKey, wrongKey];
  return { answers, secrets };
}

async function lookUpTooOften(ask) {
  for (;;) {
    const headers = [...bearer(makeToken()), ["CF-Connecting-IP", "203.0.113.9"]];
    const answer = await ask(ANY_PATH, headers);
    if (answer.status !== 401) return answer;
  }
}

const PREFLIGHT = [
  ["Origin", "https://evil.example"],
  ["Access-Control-Request-Method", "POST"],
];

async function tokensOfEveryState(gate) {
  const user = newUser();
  const make = async (fields) => gate.createToken({ user, ...fields });
  const [revoked, disabled, used] = [await make(), await make(), await make()];
  await gate.api("DELETE", `/tokens/${revoked.id}`);
  await gate.api("PATCH", `/tokens/${disabled.id}`, { enabled: false });
  await gate.api("POST", `/tokens/${used.id}/rotate`, {});
  const [expired, unread] = [makeToken(), makeToken()];
  gate.kv.values.set(keyOf(expired), makeRecord(expired, { x: seconds(-1) }));
  gate.kv.faults.set(keyOf(unread), "throws");
  return {
    good: (await make()).token,
    scopeless: (await make({ scopes: [] })).token,
    bound: (await make({ allowedIps: ["192.0.2.0/24"] })).token,
    unknown: makeToken(),
    ...{ revoked: revoked.token, disabled: disabled.token, used: used.token, expired, unread },
  };
}
