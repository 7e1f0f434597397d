// docs/operations.md: what it says of the log and the metrics, and its runbooks, run against a gate.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { assertOpens, assertShut, until } from "./support/api.mjs";
import { startRawGate } from "./support/gate.mjs";
import { keyOf } from "./support/tokens.mjs";

const PAGE = await readFile(new URL("../docs/operations.md", import.meta.url), "utf8");
const WORKER = new URL("../src/worker/", import.meta.url);
const ADDRESS = "https://app.example.com";

/** The code of a sample, by the name behind its language. */
function sample(name) {
  const [, code] = new RegExp(`^ *\`\`\`\\w+ ${name}\\n(.*?)^ *\`\`\`$`, "ms").exec(PAGE) ?? [];
  assert.ok(code, `there is a sample ${name}`);
  return code;
}

test("each event of the log stands in the table, and no other", async () => {
  const files = (await readdir(WORKER, { recursive: true })).filter((name) => name.endsWith(".js"));
  const sources = await Promise.all(files.map((name) => readFile(new URL(name, WORKER), "utf8")));
  const logged = sources.flatMap((source) => [
    ...source.matchAll(/(?:logFault|countFault)\("([a-z_]+)"/g),
  ]);
  const [, table] = /^\| `event`.*?\n((?:\|.*\n)+)/m.exec(PAGE);
  const told = [...table.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell]) => [
    ...cell.matchAll(/`([a-z_]+)`/g),
  ]);
  const names = (found) => [...new Set(found.map(([, name]) => name))].sort();
  assert.deepEqual(names(told), names(logged));
});

describe("a runbook", () => {
  let folder;
  let gate;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatepass-runbooks-"));
    gate = await startRawGate();
  });
  after(async () => {
    await gate?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(program, ...args) {
    const env = { ...process.env, OPERATOR_KEY: gate.operatorKey };
    const child = spawn(program, args, { cwd: folder, env });
    const [output, errors, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise((done) => child.once("close", done)),
    ]);
    assert.equal(code, 0, `${output}\n${errors}`);
    return output;
  }

  const shell = (name) => run("sh", "-euc", sample(name).replaceAll(ADDRESS, gate.url));

  test("ends a leaked token by its text, and tells what was done with it", async () => {
    const { id, token } = await gate.createToken();
    await writeFile(join(folder, "leaked.txt"), token);
    await shell("leaked-token");
    await assertShut(gate, token, "token_revoked");
    const events = JSON.parse(await shell("token-events")).result;
    const actions = events.filter((event) => event.token === id).map(({ action }) => action);
    assert.deepEqual(actions.slice(-2), ["token.revoked", "token.created"]);
  });

  test("tells what was done with the operator key", async () => {
    const { id } = await gate.createToken({ user: { id: "eve" } });
    const events = (await shell("operator-events"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.ok(events.some(({ action, token }) => action === "token.created" && token === id));
    assert.ok(events.every(({ actor }) => actor === "operator"));
  });

  test("fills a namespace that was lost", async () => {
    const description = "the monthly report";
    const made = [];
    for (const name of ["a", "b"]) made.push(await gate.createToken({ name, description }));
    const disabled = await gate.createToken();
    await gate.api("PATCH", `/tokens/${disabled.id}`, { enabled: false });
    gate.kv.values.clear();
    const script = sample("republish.mjs").replaceAll(ADDRESS, gate.url);
    await writeFile(join(folder, "republish.mjs"), script);
    assert.match(await run(process.execPath, "republish.mjs"), /^\d+ tokens written again$/m);
    const all = [...made, disabled];
    const has = ({ token }) => gate.kv.values.has(keyOf(token));
    await until(() => all.every(has), "the records");
    for (const { id, token } of made) {
      await assertOpens(gate, token);
      assert.equal((await gate.api("GET", `/tokens/${id}`)).body.description, description);
    }
    await assertShut(gate, disabled.token, "token_disabled");
  });
});
