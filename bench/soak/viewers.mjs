// Embeds: entries, and viewers in places of both kinds.

import { once } from "node:events";
import { AS, PORTAL, Visit } from "../../tests/support/embeds.mjs";
import { assertOpened, assertRefused, assertStatus, Wrong } from "./checks.mjs";
import { anyOf } from "./pool.mjs";
import { anyAddress, anyUser } from "./stage.mjs";

/** Milliseconds after which a session is left alone, since it ends after ten minutes. */
const SESSION = 540_000;

const FRAME = Object.fromEntries(AS.frame);
const SCRIPT = Object.fromEntries(AS.script);

const anyPlace = () => anyOf(["hosts", "paths"]);

/** Enters by a token that may be used again. */
export async function enterAgain(stage) {
  const place = anyPlace();
  const token = anyOf(stage.embeds[place]);
  stage.visits[place].add(await entered(stage, place, token));
}

/** Enters by a token for single use: once. */
export async function enterOnce(stage) {
  const place = anyPlace();
  const fields = { user: anyUser(stage), singleUse: true, idleMinutes: 5 };
  const token = await stage.createEmbed(place, fields);
  stage.visits[place].add(await entered(stage, place, token));
  const again = await enter(stage, place, token.embedUrl);
  if (again.status < 400) throw new Wrong("a second use", again, true);
  assertStatus(again, 401, "a second use");
}

/** Enters by a token that nobody has issued, or by one that is not for embeds. */
export async function enterWrongly(stage) {
  const place = anyPlace();
  const { embedUrl, token } = anyOf(stage.embeds[place]);
  const answer = await enter(stage, place, embedUrl.replace(token, stage.pickPat().token));
  if (answer.status < 400) throw new Wrong("an entry by a PAT", answer, true);
  assertStatus(answer, 401, "an entry by a PAT");
}

function enter(stage, place, url) {
  const { host, pathname, search } = new URL(url);
  const headers = { ...FRAME, host, referer: `${PORTAL}/`, "cf-connecting-ip": anyAddress() };
  return stage.ask({ place, target: pathname + search, headers });
}

/** A viewer with a new session: `{visit, user, place, since}`. */
async function entered(stage, place, token) {
  const answer = await enter(stage, place, token.embedUrl);
  assertStatus(answer, 303, "an entry");
  const [cookie] = answer.headers["set-cookie"][0].split(";");
  const visit = new Visit(stage.gate, { token, url: token.embedUrl, cookie });
  return { visit, place, user: token.user, since: performance.now() };
}

/** A viewer of some minutes, or a new one. */
async function viewer(stage) {
  const place = anyPlace();
  const found = stage.visits[place].pick();
  if (found && performance.now() - found.since < SESSION) return found;
  const made = await entered(stage, place, anyOf(stage.embeds[place]));
  stage.visits[place].add(made);
  return made;
}

const inPlace = (stage, { visit, place }, path, headers) =>
  stage.ask({
    place,
    target: visit.prefix + path,
    headers: { host: visit.host, cookie: visit.cookie, ...headers },
  });

/** Whether a session may have been killed while its viewer asked, and the answer says that it was. */
const wasKilled = (answer, { killed }) => answer.status === 401 && killed;

/** A script of the app asks in a place. */
export async function script(stage) {
  const seen = await viewer(stage);
  const answer = await inPlace(stage, seen, "/echo/x", SCRIPT);
  if (!wasKilled(answer, seen)) assertOpened(answer, seen.user, "a session", "jobs");
}

/** A page, which is rewritten where places are paths. */
export async function page(stage) {
  const seen = await viewer(stage);
  const answer = await inPlace(stage, seen, "/", { ...FRAME, "sec-fetch-site": "same-origin" });
  if (wasKilled(answer, seen)) return;
  assertStatus(answer, 200, "a page in a place");
  if (!answer.text().includes(`href="${seen.visit.prefix}/echo/hello"`)) {
    throw new Wrong("a page in a place, its links", answer);
  }
}

/** Somebody in a place with the cookie of another place. */
export async function withAnothersCookie(stage) {
  const [seen, other] = [await viewer(stage), await viewer(stage)];
  if (seen.visit.place === other.visit.place) return;
  const value = other.visit.value;
  const headers = { ...SCRIPT, cookie: `${seen.visit.name}=${value}` };
  const answer = await inPlace(stage, seen, "/echo/x", headers);
  if (answer.status < 400) throw new Wrong("another place's cookie", answer, true);
  assertStatus(answer, 401, "another place's cookie");
}

/** The operator kills a session; it may be good until the bound is over, and never after. */
export async function kill(stage) {
  const seen = stage.visits[anyPlace()].take();
  if (!seen) return enterAgain(stage);
  seen.killed = true;
  const answer = await stage.api("DELETE", `/sessions/${seen.visit.session().id}`);
  assertStatus(answer, 204, "a kill");
  stage.killed.add({ seen, since: performance.now() });
}

export async function afterKill(stage) {
  const killed = stage.killed.pick();
  if (!killed) return kill(stage);
  const asked = performance.now();
  const mayOpen = !stage.isOver(killed.since);
  const answer = await inPlace(stage, killed.seen, "/echo/x", SCRIPT);
  if (mayOpen && answer.status === 200) return stage.sawOpen(killed.since, asked);
  assertRefused(answer, 401, "session_ended", "a session that was killed");
}

const HANDSHAKE = {
  ...{ connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A WebSocket in a place, which echoes. */
export async function webSocket(stage) {
  const seen = await viewer(stage);
  const { host, origin, cookie, prefix } = seen.visit;
  const headers = { ...HANDSHAKE, host, origin, cookie };
  await echoed(stage, { port: stage.ports[seen.place], target: `${prefix}/ws`, headers });
}

/** One of a program. */
export async function programsWebSocket(stage) {
  const headers = { ...HANDSHAKE, authorization: `Bearer ${stage.pickPat().token}` };
  await echoed(stage, { port: stage.ports.hosts, target: "/ws", headers });
}

async function echoed(stage, request) {
  const sent = stage.client.begin(request);
  sent.end();
  const [, socket] = await Promise.race([
    once(sent, "upgrade"),
    once(sent, "response").then(async ([answer]) => {
      const text = (await answer.toArray()).join("");
      throw new Wrong(`no WebSocket: ${answer.statusCode} ${text.slice(0, 300)}`);
    }),
  ]);
  // A masked text frame (RFC 6455 §5.2), and its echo without a mask.
  socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  const [frame] = await once(socket, "data");
  socket.destroy();
  if (frame.toString("latin1") !== "\x81\x02hi") throw new Wrong("a WebSocket's echo");
}
