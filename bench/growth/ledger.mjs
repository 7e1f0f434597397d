// How what a ledger does grows with the rows of one user, on raw workerd.

import { mint, openWith } from "../../tests/support/embeds.mjs";
import { startLedgers } from "./stage.mjs";

const DAY = 86_400;

/** Milliseconds after which a few times are enough. */
const PATIENCE = 5_000;

/** The series, as `growth` answers them. */
export async function ledgerGrowth(quick) {
  const sizes = quick ? [10, 1_000] : [10, 1_000, 100_000];
  const killedSizes = sizes.map((size) => Math.min(size, MOST_KILLED));
  const times = quick ? 15 : 41;
  const stage = await startLedgers();
  try {
    return [
      ...(await grow(OWNED, sizes, (size) => tokens(stage, size, times))),
      ...(await grow(KILLED, killedSizes, (size) => killed(stage, size, times))),
    ];
  } finally {
    await stage.stop();
  }
}

const OWNED = {
  subject: "tokens of the user",
  note: "of which at most 1,000 may be live; here all but a few have expired",
};

const KILLED = {
  subject: "killed sessions",
  note: "of one token, which opens no more than 10,000 sessions before the first of them ends",
};

/** So many, that a few can still be opened. */
const MOST_KILLED = 9_900;

/** What `measure` takes at each size, a series for each thing that it measures. */
async function grow({ subject, note }, sizes, measure) {
  const series = new Map();
  for (const n of sizes) {
    for (const [name, value] of Object.entries(await measure(n))) {
      const points = series.get(name) ?? [];
      series.set(name, [...points, { n, value }]);
    }
  }
  return [...series].map(([name, points]) => ({
    ...{ name: `${name} by ${subject}`, unit: "µs", points, note },
  }));
}

/** A user with so many PATs, all but one of which expired long ago. */
async function tokens(stage, size, times) {
  const user = { id: `owner-${size}` };
  const create = async (fields) =>
    must(201, await stage.api("POST", "/tokens", { name: "a PAT", user, ...fields })).body;
  const { token, id } = await create({ scopes: ["jobs:read"], strict: true });
  const then = Math.floor(Date.now() / 1000) - 100 * DAY;
  await stage.sql(id, [
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2),
      copies AS (SELECT *, substr(id, 1, length(id) - 8) || printf('%08d', n) AS copy, n
                 FROM tokens, numbers WHERE id = ?1)
     INSERT INTO tokens (id, workspace, uid, digest, record, description, start, number)
     SELECT copy, workspace, uid, printf('%064x', n),
       json_set(record, '$.id', copy, '$.c', json(?3), '$.x', json(?3)), description, start,
       number + n
     FROM copies`,
    ...[id, size, String(then)], // a number would be bound as a float
  ]);
  const bearer = { authorization: `Bearer ${token}` };
  return {
    "creating a token": await median(times, () => create()),
    "strict PAT check": await median(times, async () =>
      must(200, await stage.send("GET", "/api/v1/jobs/", { headers: bearer })),
    ),
    "first page of tokens": await median(times, async () =>
      must(200, await stage.api("GET", `/tokens?user=${user.id}&limit=100`)),
    ),
  };
}

/** A strict embed token that opened many sessions, so many of which were killed. */
async function killed(stage, size, times) {
  const user = { id: `viewer-${size}` };
  const token = await mint(stage, { user, strict: true, sessionMinutes: 1_440 });
  const visit = await openWith(stage, token);
  const open = () => openWith(stage, token);
  const kill = async ({ id }) => must(204, await stage.api("DELETE", `/sessions/${id}`));
  const first = (await open()).session();
  await kill(first);
  await stage.sql(first.id, [
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
     INSERT INTO sessions (id, token, workspace, uid, app, place, ends, killed)
     SELECT substr(id, 1, length(id) - 8) || printf('%08d', n), token, workspace, uid, app, place,
       ends, killed
     FROM sessions, numbers WHERE id = ?1`,
    ...[first.id, size],
  ]);
  const opened = [];
  return {
    "strict embed check": await median(times, async () =>
      must(200, await visit.ask("/public/hello")),
    ),
    "opening a session": await median(times, async () => opened.push(await open())),
    "first page of sessions": await median(times, async () =>
      must(200, await stage.api("GET", `/sessions?user=${user.id}&limit=100`)),
    ),
    "killing a session": await median(opened.length, () => kill(opened.pop().session())),
  };
}

function must(status, answer) {
  if (answer.status === status) return answer;
  throw new Error(`${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`);
}

/** Microseconds of the middle one of so many times, or of fewer if that takes too long. */
async function median(times, once) {
  const taken = [];
  const begun = performance.now();
  while (taken.length < times && !(taken.length >= 5 && performance.now() - begun > PATIENCE)) {
    const started = performance.now();
    await once();
    taken.push(performance.now() - started);
  }
  taken.sort((a, b) => a - b);
  return Math.round(1000 * taken[Math.floor(taken.length / 2)]);
}
