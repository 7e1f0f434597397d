// The API against its description, by requests that Schemathesis makes up.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findPython, SCHEMATHESIS } from "../../scripts/lib/python.mjs";
import { bearer } from "../support/api.mjs";
import { JOBS, startEmbedGate } from "../support/embeds.mjs";
import { startServer } from "../support/stand-ins.mjs";
import { basic } from "../support/tokens.mjs";

const CONFIGURATION = fileURLToPath(new URL("schemathesis.toml", import.meta.url));
const SECONDS = 30;

/** What only the holder of a PAT may ask; the last is the end of it. */
const OF_HOLDERS = ["readOwnToken", "listFor12d", "generateFor12d", "deleteFor12d"];
const LAST = "revokeOwnToken";
const named = (option, names) => names.flatMap((name) => [`--${option}-operation-id`, name]);

/** What would let nobody make tokens any more. */
const SETTINGS = ["readSettings", "setSettings"];

/**
 * A gate for one test, since requests that are made up change its settings. Nobody may report, nor
 * read the metrics.
 */
async function startGate(t) {
  const keys = await startServer((_, response) => response.end('{"public_keys":[]}'));
  t.after(() => keys.stop());
  const METRICS_KEY = randomBytes(32).toString("hex");
  const vars = { APPS: [JOBS], LEAK_KEYS_URL: keys.url, METRICS_KEY };
  const gate = await startEmbedGate({ vars });
  t.after(() => gate.stop());
  return gate;
}

/** Runs all checks on some operations as somebody; answers how it ended. */
function check(gate, authorization, which) {
  const args = [
    ...["--config-file", CONFIGURATION, "run", `${gate.url}/gatepass/api/openapi.json`],
    ...["--checks", "all", "--seed", "1", "--max-time", String(SECONDS), "--no-color"],
    ...["--header", `Authorization: ${authorization}`, "--continue-on-failure", ...which],
  ];
  const cwd = mkdtempSync(join(tmpdir(), "gatepass-schemathesis-")); // it keeps what it found
  const child = spawn(findPython(SCHEMATHESIS, "schemathesis"), args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  }
  return new Promise((resolve) =>
    child.on("close", (code) => {
      rmSync(cwd, { recursive: true, force: true });
      resolve({ code, output });
    }),
  );
}

const options = { timeout: 10 * SECONDS * 1000 };

test("all checks pass for the operator", options, async (t) => {
  const gate = await startGate(t);
  const operator = basic("", gate.operatorKey);
  for (const which of [
    named("exclude", [...OF_HOLDERS, LAST, ...SETTINGS]),
    named("include", SETTINGS),
  ]) {
    const { code, output } = await check(gate, operator, which);
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d{2,} generated/);
  }
});

test("all checks pass for the holder of a PAT", options, async (t) => {
  const gate = await startGate(t);
  for (const which of [OF_HOLDERS, [LAST]]) {
    const user = { id: which[0] }; // one has 1,000 live tokens at most
    // Its number is one that hardly anybody makes up.
    for (let n = 0; n < 100; n++) await gate.createToken({ user, scopes: [] });
    const { token } = await gate.createToken({ user, scopes: ["tokens"], never: true });
    const { code, output } = await check(gate, bearer(token), named("include", which));
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d* generated/);
  }
});
