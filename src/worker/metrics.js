// What is counted for monitoring. An isolate counts by itself, and tells the object `metrics` off the
// hot path; that has the sums of all of them (sums.js).

import { SUMS_URL } from "./sums.js";

/** Milliseconds after which an isolate tells again, and within which it must be told. */
const REPORT_AFTER = 15_000;
const TIMEOUT = 5_000;

let counts = new Map();
let reportedAt = 0;
let reports = false;
let dataset;

/** Takes in whether anybody reads: the endpoint's key, and a dataset of Analytics Engine. */
export function configureMetrics({ METRICS_KEY: key, METRICS: points }) {
  reports = Boolean(key);
  dataset = points;
}

/** Counts a request that was `allowed`, or `answered` by Gatepass itself; `code` is a problem's. */
export function countRequest(outcome, status, code = "", workspace = "") {
  count(`gatepass_requests_total{outcome="${outcome}",status="${status}",code="${code}"}`);
  try {
    // By the index, what is rare is sampled as well as what is not.
    dataset?.writeDataPoint({
      indexes: [code || outcome],
      blobs: [outcome, code, workspace],
      doubles: [status],
    });
  } catch {
    // A point less; no request may fail for it.
  }
}

/** Counts a fault, by the event that its line in the log has. */
export function countFault(event) {
  count(`gatepass_faults_total{event="${event}"}`);
}

function count(series, times = 1) {
  counts.set(series, (counts.get(series) ?? 0) + times);
}

/** Tells what was counted, once in a while. */
export function reportMetrics(env, ctx, now) {
  if (!reports || now - reportedAt < REPORT_AFTER || counts.size === 0) return;
  ctx.waitUntil(tellSums(env, now));
}

/** Tells what was counted, and, of an object, how far KV lags behind it. */
export async function tellSums(env, now, lag) {
  if (!reports || (counts.size === 0 && !lag)) return;
  const told = counts;
  counts = new Map();
  reportedAt = now;
  try {
    const body = JSON.stringify({ counts: [...told], lag });
    const answer = await inTime(sums(env).fetch(SUMS_URL, { method: "POST", body }));
    await answer.body?.cancel();
    if (answer.status !== 204) throw new Error("the sums were not told");
  } catch {
    // Told with the next report.
    for (const [series, times] of told) count(series, times);
    countFault("metrics_failed");
  }
}

/** The sums, in Prometheus' text format. */
export async function readSums(env, now) {
  await tellSums(env, now);
  const answer = await sums(env).fetch(SUMS_URL);
  if (answer.status !== 200) throw new Error("the sums cannot be read");
  return await answer.text();
}

function inTime(work) {
  const late = new Promise((_, reject) =>
    setTimeout(reject, TIMEOUT, new Error("it took too long")),
  );
  return Promise.race([work, late]);
}

const sums = (env) => env.DIRECTORY.getByName("metrics");
