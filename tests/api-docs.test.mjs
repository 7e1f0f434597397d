// docs/api.md against the API's description, and its samples run against a gate.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { bearer } from "./support/api.mjs";
import { startRawGate } from "./support/gate.mjs";

const PAGE = await readFile(new URL("../docs/api.md", import.meta.url), "utf8");
const DESCRIPTION = JSON.parse(
  await readFile(new URL("../www/api/openapi.json", import.meta.url), "utf8"),
);
const ADDRESS = "https://app.example.com";

/** Code of a language, with what stands behind the language's name: `[name, code]`. */
const samples = (language) =>
  [...PAGE.matchAll(/^```(\w+)(?: ([\w.]+))?\n(.*?)^```$/gms)]
    .filter((found) => found[1] === language)
    .map(([, , name, code]) => [name, code]);

function* operations() {
  for (const [path, { parameters: _, ...methods }] of Object.entries(DESCRIPTION.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      yield { path, method: method.toUpperCase(), ...operation };
    }
  }
}

test("each operation stands in a table or a heading", () => {
  const lines = PAGE.split("\n").filter((line) => /^(\||#)/.test(line));
  for (const { method, path } of operations()) {
    const isNamed = lines.some((line) => line.includes(`\`${method} ${path}\``));
    assert.ok(isNamed, `${method} ${path}`);
  }
});

describe("a sample in JSON", () => {
  const ajv = addFormats(new Ajv2020({ strict: false }));
  ajv.addSchema({ $id: "https://gate.example/", ...DESCRIPTION });

  /** What a schema's or an operation's name stands for: the operation's good answer. */
  function schemaOf(name) {
    if (name in DESCRIPTION.components.schemas) return pointer("components", "schemas", name);
    const { path, method, responses } = [...operations()].find((it) => it.operationId === name);
    const [status, { content }] = Object.entries(responses).find(([status]) => status < 300);
    const type = Object.keys(content)[0];
    const response = ["paths", path, method.toLowerCase(), "responses", status];
    return pointer(...response, "content", type, "schema");
  }

  function pointer(...parts) {
    const escaped = parts.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"));
    return `https://gate.example/#/${escaped.map(encodeURIComponent).join("/")}`;
  }

  function assertFits(name, json) {
    const value = JSON.parse(json);
    if (name === undefined) return;
    const validate = ajv.getSchema(schemaOf(name));
    assert.ok(validate(value), `${name}: ${JSON.stringify(validate.errors)}\n${json}`);
  }

  test("is one, and what it is named after", () => {
    const named = samples("json").filter(([name]) => name !== undefined);
    assert.ok(named.length >= 10);
    for (const [name, json] of samples("json")) assertFits(name, json);
  });

  test("may be one a line", () => {
    const lines = samples("ndjson").flatMap(([name, code]) =>
      code.split("\n").map((line) => [name, line]),
    );
    for (const [name, line] of lines.filter(([, line]) => line)) assertFits(name, line);
  });
});

describe("run against a gate", () => {
  let folder;
  let gate;
  let environment;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatepass-docs-"));
    const [[, worker]] = samples("js");
    gate = await startRawGate({
      workers: [
        {
          name: "asks",
          modules: { "worker.js": worker },
          bindings: { GATEPASS: { service: "gatepass", entrypoint: "Verify" } },
        },
      ],
      sockets: { asks: "asks" },
    });
    const user = { id: "ada", email: "ada@example.com" };
    const holder = { id: "holder" };
    const { id: ID, token: TOKEN } = await gate.createToken({ user, scopes: ["jobs:read"] });
    const { token: PAT } = await gate.createToken({ user: holder, expiresInDays: 365 });
    environment = { ...process.env, OPERATOR_KEY: gate.operatorKey, ID, TOKEN, PAT };
  });
  after(async () => {
    await gate?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs commands, of which each request has to be answered well. */
  async function run(commands) {
    const curl = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }';
    const script = `set -eu\n${curl}\n${commands.replaceAll(ADDRESS, gate.url)}`;
    const child = spawn("sh", ["-c", script], { cwd: folder, env: environment });
    const [output, errors, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise((done) => child.once("close", done)),
    ]);
    assert.equal(code, 0, `${commands}\n${output}\n${errors}`);
    return output;
  }

  test("each command is answered well", async () => {
    const commands = samples("sh").map(([, code]) => code);
    assert.ok(commands.length >= 7);
    // Few events fill many pages if these are small.
    for (const code of commands) await run(code.replace("limit=100", "limit=1"));
    const events = (await readFile(join(folder, "events.ndjson"), "utf8")).trim().split("\n");
    const ids = events.map((line) => JSON.parse(line).id);
    assert.ok(ids.length > 3);
    assert.equal(new Set(ids).size, ids.length);
  });

  test("the Worker lets in who has a token with the scope, and nobody else", async () => {
    const ask = async (authorization) => {
      const headers = authorization ? { authorization } : {};
      const answer = await fetch(`http://127.0.0.1:${gate.ports.asks}/`, { headers });
      return [answer.status, await answer.text()];
    };
    const good = await gate.createToken({ scopes: ["jobs:read"] });
    const narrow = await gate.createToken({ scopes: [] });
    assert.deepEqual(await ask(bearer(good.token)), [200, "Hello, ada of default"]);
    const refused = (code) => [401, JSON.stringify({ active: false, code })];
    assert.deepEqual(await ask(bearer(narrow.token)), refused("scope_insufficient"));
    assert.deepEqual(await ask(bearer("pat_x")), refused("token_malformed"));
    assert.deepEqual(await ask(), refused("token_missing"));
  });
});
