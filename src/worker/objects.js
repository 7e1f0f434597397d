// The Durable Objects. Their Rust half decides and keeps; this half is their clock and their way out.

import { DurableObject } from "cloudflare:workers";
import { keepAgenda } from "./agenda.js";
import { core } from "./core.js";
import { tellSums } from "./metrics.js";
import { NOTES_URL } from "./notes.js";
import { flush } from "./outbox.js";
import { addToSums, exposition, SUMS_URL } from "./sums.js";
import { addUsage, USAGE_URL } from "./usage.js";

/** The authority for the tokens of the users that share a hint. */
export class Ledger extends DurableObject {
  fetch(request) {
    return execute("Ledger", this, request);
  }

  alarm() {
    return ring("Ledger", this);
  }
}

/** The authority for a workspace's settings and list of users. */
export class Directory extends DurableObject {
  fetch(request) {
    return execute("Directory", this, request);
  }

  alarm() {
    return ring("Directory", this);
  }
}

/** A command to an authority and its reply; a note, or a report. */
async function execute(name, { ctx, env }, request) {
  const text = await request.text();
  const now = Date.now();
  switch (request.url) {
    case USAGE_URL:
      return Response.json(addUsage(ctx.storage.sql, JSON.parse(text), now));
    case SUMS_URL:
      if (request.method === "GET") return new Response(exposition(ctx.storage.sql, now));
      addToSums(ctx.storage.sql, JSON.parse(text), now);
      return new Response(null, { status: 204 });
    case NOTES_URL:
      core(env).authority(name, ctx).note(text, now);
      return new Response(null, { status: 204 });
    default:
      return new Response(core(env).authority(name, ctx).execute(text, now));
  }
}

/** Milliseconds after which the alarm comes back if it breaks off. */
const SAFETY = 30_000;

/** The alarm: whatever breaks off in between, it comes back. */
async function ring(name, { ctx, env }) {
  // Before anything else, whatever that may throw.
  ctx.storage.setAlarm(Date.now() + SAFETY);
  const authority = core(env).authority(name, ctx);
  await flush(authority, env.RECORDS);
  // No put waits for who is told something: the next alarm need not wait for this.
  ctx.waitUntil(keepAgenda(ctx.storage.sql, env, Date.now()));
  const lag = authority.tables.end(Date.now());
  ctx.waitUntil(tellSums(env, Date.now(), lag && { object: String(ctx.id), ...lag }));
}
