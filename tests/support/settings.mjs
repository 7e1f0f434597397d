// A workspace's settings in tests.

import assert from "node:assert/strict";

/** The settings of a workspace where nobody has decided anything. */
export const DEFAULTS = {
  ...{ creation: true, authentication: true, whoMayCreate: "everyone" },
  ...{ maxLifetimeDays: null, neverAllowed: true, defaultLifetimeDays: 30 },
  ...{ scopes: [], allowedOrigins: [], knownUsersOnly: false },
};

/** Sets a workspace's settings, all but these as nobody had decided anything; answers them. */
export async function setSettings(gate, workspace, changes = {}) {
  const path = `/settings?workspace=${workspace}`;
  const answer = await gate.api("PUT", path, { ...DEFAULTS, ...changes });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}
