// Before anything is measured: each contender does its work.

import { Failure, say } from "../scripts/lib/run.mjs";

const ECHO = "/api/v1/echo";
const PUBLIC_ECHO = "/public/echo";

/** What was seen of each contender, by name. */
export async function runChecks(stage, contenders) {
  say("Seeing that each contender does its work");
  if (contenders.some(({ name }) => name === "empty") && stage.requests.gatepass) {
    await checkEmpty(stage);
  }
  const seen = {};
  for (const contender of contenders) seen[contender.name] = await check(stage, contender);
  return seen;
}

/**
 * Sees a contender pass a good credential on and refuse what it must. Answers what was seen: the
 * header by which the upstream learns of the user, whether it got the credential, and how often KV
 * was read for each.
 */
async function check(stage, contender) {
  const { name, worker, sends = "good", refuses = [], status = 200 } = contender;
  const requests = stage.requests[worker];
  const seen = { identity: null, gotCredential: null, reads: {} };
  if (status === 200) {
    const [request] = requests[sends];
    const echo = request.at(sends === "public" ? PUBLIC_ECHO : ECHO);
    const [answer, reads] = await counted(stage, () => stage.ask(worker, echo));
    must(name, answer.status === 200, `a good request was answered ${answer.status}`);
    Object.assign(seen, upstreamSaw(contender, request, answer.json()));
    const [, again] = await counted(stage, () => stage.ask(worker, request));
    seen.reads = { first: reads, again };
  }
  for (const kind of refuses) {
    const [answer, reads] = await counted(stage, () => stage.ask(worker, requests[kind][0]));
    must(name, answer.status === 401, `${kind}: answered ${answer.status} instead of 401`);
    seen.reads[kind] = reads;
  }
  return seen;
}

/** The empty Worker must answer what the gate answers, or the comparison would be unfair. */
async function checkEmpty(stage) {
  const [request] = stage.requests.gatepass.garbage;
  const [ours, empty] = await Promise.all(
    ["gatepass", "empty"].map((worker) => stage.ask(worker, request)),
  );
  const text = ({ status, headers, text }) => JSON.stringify([status, headers.sort(), text]);
  const advice =
    "bench/contenders/empty.js answers otherwise than the gate; please bring it up to date";
  must("empty", text(ours) === text(empty), `${advice}\n${text(ours)}\n${text(empty)}`);
}

function upstreamSaw({ name, identity }, { credential }, headers) {
  const secret = credential?.[1].split(/[ =]/).at(-1);
  const gotCredential = secret ? headers.some(([, value]) => value.includes(secret)) : null;
  if (identity === undefined) return { identity: null, gotCredential };
  const user = headers.find(([header]) => header === identity)?.[1];
  must(name, user === "ada", `the upstream did not learn of the user by ${identity}`);
  must(name, !gotCredential, "the upstream got the credential");
  return { identity, gotCredential };
}

async function counted(stage, act) {
  const before = await stage.counts();
  const answer = await act();
  const after = await stage.counts();
  return [answer, after.reads - before.reads];
}

function must(name, isSo, otherwise) {
  if (!isSo) throw new Failure(`The contender ${name} does not do its work: ${otherwise}.`);
}
