// Big bodies, slow clients, and clients that go away.

import { pause } from "../../tests/support/api.mjs";
import { assertStatus, Wrong } from "./checks.mjs";
import { anyOf } from "./pool.mjs";

const MB = 2 ** 20;
const BODY = Buffer.alloc(MB);

const as = ({ token }) => ({ authorization: `Bearer ${token}` });

/** Reads a body and answers its length. */
async function counted(stream) {
  let length = 0;
  for await (const chunk of stream) length += chunk.length;
  return String(length);
}

/** The same, with a pause after each part that it takes. */
async function countedSlowly(stream) {
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (Math.random() < 0.2) await pause(50);
  }
  return String(length);
}

/** A megabyte up. */
export function upload(stage) {
  return sendUp(stage, { body: BODY });
}

async function sendUp(stage, body) {
  const headers = { ...as(stage.pickPat()), "content-length": MB };
  const answer = await stage.ask({ method: "POST", target: "/large", headers, ...body });
  assertStatus(answer, 200, "a body up");
  if (answer.json().bytes !== MB) throw new Wrong("a body up", answer);
}

/** Megabytes down. */
export function download(stage) {
  return takeDown(stage, 1, counted);
}

async function takeDown(stage, megabytes, read) {
  const target = `/large?mb=${megabytes}`;
  const answer = await stage.ask({ target, headers: as(stage.pickPat()), read });
  if (answer.status !== 200 || Number(answer.body) !== megabytes * MB) {
    throw new Wrong("a body down", answer);
  }
}

/** Sends, or reads, bit by bit. */
export function slowly(stage) {
  if (Math.random() < 0.5) return takeDown(stage, 4, countedSlowly);
  const write = async (sent) => {
    for (let at = 0; at < 8; at++) {
      sent.write(BODY.subarray(0, MB / 8));
      await pause(250);
    }
    sent.end();
  };
  return sendUp(stage, { write });
}

/** Goes away: before the answer, in the middle of it, or in the middle of the body. */
export async function goneAway(stage) {
  const [method, target] = anyOf([
    ["GET", "/slow?ms=2000"],
    ["GET", "/large?mb=64"],
    ["POST", "/large"],
  ]);
  const headers = { ...as(stage.pickPat()), ...(method === "POST" && { "content-length": MB }) };
  const sent = stage.client.begin({ port: stage.ports.hosts, method, target, headers });
  sent.on("error", () => {}); // that it ends so is what it is about
  sent.on("response", (answer) => answer.on("error", () => {}).resume());
  if (method === "POST") sent.write(BODY.subarray(0, 1000));
  else sent.end();
  const closed = new Promise((done) => sent.on("close", done));
  await pause(Math.random() * 100);
  sent.destroy();
  await closed;
}
