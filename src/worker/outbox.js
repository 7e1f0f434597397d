// The outbox of a Durable Object: brings KV up to date with what was decided.

import { logFault, saidBy } from "./log.js";

/** Milliseconds after which a put is given up; it may still arrive. */
const PUT_TIMEOUT = 10_000;

/** Batches that one alarm puts: the platform bounds the calls of one event. */
const MAX_BATCHES = 8;

/** Puts what is due, batch by batch. */
export async function flush(authority, records) {
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const puts = JSON.parse(authority.due(Date.now()));
    if (puts.length === 0) break;
    await Promise.all(
      puts.map(async ({ key, generation, value }) => {
        const accepted = !value || (await put(key, value, records));
        authority.settle(key, generation, accepted, Date.now());
      }),
    );
  }
}

/** Whether KV has accepted a value. */
async function put(key, { text, expiration }, records) {
  let timer;
  const late = new Promise((_, reject) => {
    const error = new Error("a put took too long");
    timer = setTimeout(() => reject(error), PUT_TIMEOUT);
  });
  try {
    const options = expiration ? { expiration } : {};
    await Promise.race([records.put(key, text, options), late]);
    return true;
  } catch (error) {
    logFault("put_failed", { error, binding: "RECORDS", message: saidBy(error) });
    return false;
  } finally {
    clearTimeout(timer);
  }
}
