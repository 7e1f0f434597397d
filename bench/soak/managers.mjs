// The token API, introspection and sign-in.

import { DEFAULTS } from "../../tests/support/settings.mjs";
import { assertOpened, assertRefused, assertStatus, Wrong } from "./checks.mjs";
import { anyOf } from "./pool.mjs";
import { knock } from "./programs.mjs";
import { anyAddress, anyUser } from "./stage.mjs";

/** A new PAT opens at once, whichever isolate is asked. */
export async function create(stage) {
  const made = await stage.create(anyUser(stage), { description: "of a soak" });
  await knock(stage, made, "a fresh PAT");
  stage.young.add(made);
}

export async function list(stage) {
  const user = anyUser(stage);
  const answer = await stage.api("GET", `/tokens?user=${user.id}&limit=20`);
  assertStatus(answer, 200, "a list");
  if (answer.json().result.some((token) => token.user.id !== user.id)) {
    throw new Wrong("a list shows another user's", answer, true);
  }
}

export async function patch(stage) {
  const pat = stage.young.pick();
  if (!pat) return create(stage);
  const name = `changed ${Date.now()}`;
  const answer = await stage.api("PATCH", `/tokens/${pat.id}`, { name });
  // In the meantime another may have revoked it.
  if (answer.status !== 409) assertStatus(answer, 200, "a change");
}

export async function disable(stage) {
  const pat = stage.young.take();
  if (!pat) return create(stage);
  const answer = await stage.api("PATCH", `/tokens/${pat.id}`, { enabled: false });
  assertStatus(answer, 200, "a disabling");
  end(stage, pat, "token_disabled");
}

export async function rotate(stage) {
  const pat = stage.young.take();
  if (!pat) return create(stage);
  const answer = await stage.api("POST", `/tokens/${pat.id}/rotate`, { graceSeconds: 0 });
  assertStatus(answer, 201, "a rotation");
  end(stage, pat, "token_used");
  const { token, id } = answer.json();
  const made = { token, id, user: pat.user };
  await knock(stage, made, "a successor");
  stage.young.add(made);
}

export async function revoke(stage) {
  const pat = stage.young.take();
  if (!pat) return create(stage);
  assertStatus(await stage.api("DELETE", `/tokens/${pat.id}`), 204, "a revocation");
  end(stage, pat, "token_revoked");
}

function end(stage, { token, user }, code) {
  stage.over.add({ token, user, code, since: performance.now() });
}

/** What a PAT may ask about itself. */
export async function self(stage) {
  const { token, id } = stage.pickPat();
  const answer = await stage.api("GET", "/tokens/self", undefined, { auth: `Bearer ${token}` });
  assertStatus(answer, 200, "a PAT about itself");
  if (answer.json().id !== id) throw new Wrong("a PAT about another", answer, true);
}

export async function sessions(stage) {
  const answer = await stage.api("GET", `/sessions?user=${anyUser(stage).id}&limit=20`);
  assertStatus(answer, 200, "a list of sessions");
}

export async function audit(stage) {
  const answer = await stage.api("GET", `/audit?user=${anyUser(stage).id}&limit=20`);
  assertStatus(answer, 200, "the audit trail");
}

/** Settings, read, and now and then set to what they are. */
export async function settings(stage) {
  const answer = await (Math.random() < 0.1
    ? stage.api("PUT", "/settings", DEFAULTS)
    : stage.api("GET", "/settings"));
  assertStatus(answer, 200, "the settings");
}

/** A good PAT is active, and one that is over is not. */
export async function introspect(stage) {
  const ended = Math.random() < 0.5 ? stage.over.pick() : undefined;
  const { token, user } = ended ?? stage.pickPat();
  const answer = await stage.ask({
    method: "POST",
    target: "/gatepass/oauth/introspect",
    headers: {
      authorization: stage.operator,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: `token=${token}`,
  });
  assertStatus(answer, 200, "an introspection");
  const { active, sub } = answer.json();
  if (ended ? active : sub !== user.id) throw new Wrong("an introspection", answer, true);
}

/** The operator signs in, asks, signs out; and then may not ask any more. */
export async function signIn(stage) {
  const signedIn = await stage.api("POST", "/sign-in");
  assertStatus(signedIn, 204, "a sign-in");
  const [cookie] = signedIn.headers["set-cookie"][0].split(";");
  const headers = { cookie, "cf-connecting-ip": anyAddress() };
  const ask = (method, path) => stage.ask({ method, target: `/gatepass/api${path}`, headers });
  assertStatus(await ask("GET", "/settings"), 200, "one who is signed in");
  assertStatus(await ask("DELETE", "/sign-in"), 204, "a sign-out");
  assertRefused(await ask("GET", "/settings"), 401, "token_expired", "one who is signed out");
}

/** A stranger asks for what is not theirs. */
export async function asStranger(stage) {
  const { token, user } = stage.pickPat();
  const [other] = stage.users.filter(({ id }) => id !== user.id);
  const auth = `Bearer ${token}`;
  const answer = await stage.api("GET", `/tokens?user=${other.id}`, undefined, { auth });
  if (answer.status < 400) throw new Wrong("a list of another's", answer, true);
  assertStatus(answer, 403, "a list of another's");
}
