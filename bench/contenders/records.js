// A token's record by hand: SHA-256 of the token, Gatepass's record from KV with Gatepass's option.

const encoder = new TextEncoder();

/** The record of a token that is good for the scope `jobs:read`. */
export async function goodRecord(token, env) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(token)));
  const record = await env.RECORDS.get(`t/${digest.toHex()}`, { type: "json", cacheTtl: 30 });
  const isGood =
    record?.st === "a" && record.x > Date.now() / 1000 && record.sc.includes("jobs:read");
  return isGood ? record : undefined;
}
