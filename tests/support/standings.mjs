// Tokens of every standing. Those that only time brings about are made older in the ledger's tables,
// while no gate runs.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startRawGate } from "./gate.mjs";
import { startKv } from "./stand-ins.mjs";
import { changeObjects } from "./state.mjs";
import { startPage } from "./tokens-page.mjs";

const DAY = 86_400;
const LIFETIME = 30;

/** What a token is called that is of a standing. */
export const NAMES = {
  active: "Power BI, sales report",
  expiring: "Nightly export",
  expired: "Excel of last year",
  disabled: "A script on hold",
  used: "Deployment, before it was rotated",
  revoked: "A laptop that was lost",
};

/** How many days ago those were made that are not made today. */
const AGES = { expiring: LIFETIME - 2, expired: LIFETIME + 10 };

/**
 * The tokens page, as `startPage` starts it, where a user has a token of every standing.
 *
 * @param {{id: string, email: string}} owner
 * @param {Parameters<typeof startPage>[0]} [options]
 */
export async function startPageWithTokens(owner, options = {}) {
  const storage = await mkdtemp(join(tmpdir(), "gatepass-page-"));
  const [kv, port] = [await startKv(), await freePort()];
  const vars = { OPERATOR_KEY: randomBytes(32).toString("base64url"), ...options.vars };
  const before = await startRawGate({
    vars: { OPERATOR_KEY: vars.OPERATOR_KEY },
    storage,
    kv,
    port,
  });
  await makeTokens(before, owner);
  await before.stop();
  await makeOld(storage);
  const page = await startPage({ ...options, vars, storage, kv, port });

  async function stop() {
    await page.stop();
    await kv.stop();
    await rm(storage, { recursive: true, force: true });
  }
  return { ...page, stop };
}

async function makeTokens(gate, user) {
  const ids = {};
  for (const [standing, name] of Object.entries(NAMES)) {
    const description = `For ${name}`;
    const fields = { name, description, user, expiresInDays: LIFETIME, scopes: ["jobs:read"] };
    ids[standing] = (await gate.createToken(fields)).id;
  }
  const changes = [
    ["PATCH", `/tokens/${ids.disabled}`, { enabled: false }],
    ["POST", `/tokens/${ids.used}/rotate`, { graceSeconds: 0 }],
    ["DELETE", `/tokens/${ids.revoked}`],
  ];
  for (const change of changes) {
    const { status, body } = await gate.api(...change);
    assert.ok(status < 300, JSON.stringify(body));
  }
}

async function makeOld(storage) {
  for (const [standing, days] of Object.entries(AGES)) {
    const older = ["c", "x"].map(
      (time) => `'$.${time}', json_extract(record, '$.${time}') - ${days * DAY}`,
    );
    const statement = `UPDATE tokens SET record = json_set(record, ${older})
      WHERE json_extract(record, '$.n') = '${NAMES[standing]}'`;
    await changeObjects(storage, "Ledger", statement);
  }
}
