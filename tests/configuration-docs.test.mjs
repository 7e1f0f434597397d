// The samples of docs/configuration.md: what stands in wrangler.toml, and who receives messages.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { experimental_readRawConfig as readConfig } from "wrangler";
import { until } from "./support/api.mjs";
import { freePort, startRawGate } from "./support/gate.mjs";
import { startServer } from "./support/stand-ins.mjs";

const PAGE = await readFile(new URL("../docs/configuration.md", import.meta.url), "utf8");
const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));
const WEEK = 7 * 86_400_000;

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), "gatepass-docs-"))));
after(() => rm(folder, { recursive: true, force: true }));

const samples = (language) =>
  [...PAGE.matchAll(/^```(\w+)(?: [\w.]+)?\n(.*?)^```$/gms)]
    .filter((found) => found[1] === language)
    .map(([, , code]) => code);

describe("a sample of wrangler.toml", () => {
  /** The variables of a sample, wherever they stand. */
  async function variablesOf(sample) {
    const path = join(folder, "wrangler.toml");
    await writeFile(path, sample);
    const { rawConfig } = readConfig({ config: path });
    const all = { ...rawConfig, ...rawConfig.env?.production?.vars };
    return Object.fromEntries(Object.entries(all).filter(([name]) => /^[A-Z_]+$/.test(name)));
  }

  for (const sample of samples("toml")) {
    const [title] = sample.split("\n", 1);
    test(`is a good configuration: ${title}`, async () => {
      const vars = { ...(await variablesOf(sample)), DEVELOPMENT: false, UPSTREAM: "service:DEMO" };
      const gate = await startRawGate({ vars });
      try {
        const answer = await fetch(`${gate.url}/gatepass/healthz`);
        assert.deepEqual(await answer.json(), { status: "ok" });
      } finally {
        await gate.stop();
      }
    });
  }
});

test("the receiver takes the gate's messages, which are as shown, and no others", async (t) => {
  const NOTIFY_KEY = `whsec_${randomBytes(32).toString("base64")}`;
  const PORT = String(await freePort());
  await symlink(MODULES, join(folder, "node_modules"));
  await writeFile(join(folder, "receiver.mjs"), samples("js")[0]);
  const env = { ...process.env, NOTIFY_KEY, PORT };
  const receiver = spawn(process.execPath, [join(folder, "receiver.mjs")], { env });
  t.after(() => receiver.kill());
  let output = "";
  for (const stream of [receiver.stdout, receiver.stderr]) {
    stream.setEncoding("utf8").on("data", (data) => (output += data));
  }
  const send = (headers, body) =>
    fetch(`http://127.0.0.1:${PORT}/`, { method: "POST", headers, body });
  await until(() => send({}, "").catch(() => undefined), "the receiver listens");

  const sent = [];
  const between = await startServer(async (request, response) => {
    const headers = pick(request.headers, /^webhook-/);
    const body = await text(request);
    const { status } = await send(headers, body);
    sent.push({ headers, body, status });
    response.writeHead(status).end();
  });
  t.after(() => between.stop());
  const gate = await startRawGate({ vars: { NOTIFY_URL: between.url, NOTIFY_KEY } });
  t.after(() => gate.stop());
  const expiresAt = new Date(Date.now() + WEEK + 2_000).toISOString();
  await gate.createToken({ name: "Power BI", expiresAt });
  await until(() => sent.length > 0, "a message is sent");

  const [{ headers, body, status }] = sent;
  assert.equal(status, 204, output);
  assert.equal(output, "token.expiring Power BI of ada@example.com\n");
  assert.deepEqual(shape(JSON.parse(body)), shape(JSON.parse(samples("json")[0])));
  const altered = body.replace("ada@", "eve@");
  assert.equal((await send(headers, altered)).status, 400);
});

const pick = (headers, pattern) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => pattern.test(name)));

/** What members a value has, and theirs. */
function shape(value) {
  if (value === null || typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shape(part)]));
}
