import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { notify } from "../src/worker/webhook.js";
import { startServer } from "./support/stand-ins.mjs";

const newKey = (bytes = 32) => `whsec_${randomBytes(bytes).toString("base64")}`;
const KEY = newKey();
const SECRET = "a-secret-of-the-receiver";

let log;
beforeEach(() => (log = mock.method(console, "error", () => {})));
afterEach(() => mock.restoreAll());

/** The receiver: what it got, and what it answers. */
async function startReceiver(t, listener = (_request, response) => response.end()) {
  const got = [];
  const server = await startServer(async (request, response) => {
    const { method, url, headers } = request;
    got.push({ method, url, headers, body: await text(request) });
    return listener(request, response);
  });
  t.after(() => server.stop());
  return { got, url: `${server.url}/hook?key=${SECRET}` };
}

const messageOf = (fields) => ({
  ...{ id: "msg_01", timestamp: Math.floor(Date.now() / 1000), body: '{"type":"token.revoked"}' },
  ...fields,
});

const tell = (url, key = KEY, fields) =>
  notify(messageOf(fields), { NOTIFY_URL: url, NOTIFY_KEY: key });

/** The one line that was logged: no part of the URL or of a key is in it. */
function logged() {
  assert.equal(log.mock.callCount(), 1);
  const [line] = log.mock.calls[0].arguments;
  for (const secret of [SECRET, "127.0.0.1", KEY.slice(6)]) assert.ok(!line.includes(secret), line);
  return JSON.parse(line);
}

describe("a message", () => {
  test("is posted as JSON, with its id and time", async (t) => {
    const { got, url } = await startReceiver(t);
    assert.equal(await tell(url, KEY, { timestamp: 1_795_348_800 }), true);
    const [{ method, headers, body }] = got;
    assert.equal(method, "POST");
    assert.equal(body, '{"type":"token.revoked"}');
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["webhook-id"], "msg_01");
    assert.equal(headers["webhook-timestamp"], "1795348800");
    assert.equal(log.mock.callCount(), 0);
  });

  test("is one that Standard Webhooks verifies, whatever the text and the key's length", async (t) => {
    const { got, url } = await startReceiver(t);
    for (const bytes of [24, 25, 26, 32, 63, 64]) {
      const key = newKey(bytes);
      const body = JSON.stringify({ name: `Zoë 🔑 ${bytes}` });
      assert.equal(await tell(url, key, { body }), true);
      const sent = got.at(-1);
      assert.deepEqual(new Webhook(key).verify(sent.body, sent.headers), JSON.parse(body));
      assert.throws(() => new Webhook(newKey()).verify(sent.body, sent.headers));
      assert.throws(() => new Webhook(key).verify(`${sent.body} `, sent.headers));
      const moved = { ...sent.headers, "webhook-id": "msg_02" };
      assert.throws(() => new Webhook(key).verify(sent.body, moved));
    }
  });

  test("is signed by each key, in order, while they are replaced", async (t) => {
    const { got, url } = await startReceiver(t);
    const keys = [newKey(), newKey(), newKey()];
    for (const separator of [" ", ",", ", "]) {
      assert.equal(await tell(url, keys.join(separator)), true);
      const { headers, body } = got.at(-1);
      const signatures = headers["webhook-signature"].split(" ");
      assert.equal(signatures.length, 3);
      for (const [at, key] of keys.entries()) {
        new Webhook(key).verify(body, headers);
        new Webhook(key).verify(body, { ...headers, "webhook-signature": signatures[at] });
      }
    }
  });

  test("is not sent where a key is none", async (t) => {
    const { got, url } = await startReceiver(t);
    const short = newKey(23);
    const long = newKey(65);
    const bare = KEY.slice("whsec_".length);
    for (const key of ["", " , ", short, long, bare, "whsec_", `${KEY} ${short}`, `${KEY}!`]) {
      log.mock.resetCalls();
      assert.equal(await tell(url, key), false, key);
      const { event, id, error } = logged();
      assert.deepEqual([event, id, error], ["message_failed", "msg_01", "InvalidKey"]);
    }
    assert.equal(got.length, 0);
  });
});

describe("a message has arrived", () => {
  for (const status of [200, 201, 202, 204]) {
    test(`where the answer is ${status}`, async (t) => {
      const { url } = await startReceiver(t, (_, response) => response.writeHead(status).end());
      assert.equal(await tell(url), true);
      assert.equal(log.mock.callCount(), 0);
    });
  }

  test("and what else is answered is not waited for, nor kept open", async (t) => {
    const cancel = t.mock.fn();
    t.mock.method(globalThis, "fetch", async () => new Response(new ReadableStream({ cancel })));
    assert.equal(await tell("https://receiver.example/"), true);
    assert.equal(cancel.mock.callCount(), 1);
  });

  test("even where the rest of the answer fails", async (t) => {
    const cancel = () => Promise.reject(new Error("the connection has ended"));
    t.mock.method(globalThis, "fetch", async () => new Response(new ReadableStream({ cancel })));
    assert.equal(await tell("https://receiver.example/"), true);
  });
});

describe("a message has not arrived", () => {
  for (const status of [304, 400, 401, 404, 410, 429, 500, 503]) {
    test(`where the answer is ${status}`, async (t) => {
      const { got, url } = await startReceiver(t, (_, response) => {
        response.writeHead(status).end(status === 304 ? undefined : "no");
      });
      assert.equal(await tell(url), false);
      assert.equal(got.length, 1);
      assert.deepEqual(logged(), {
        level: "error",
        event: "message_refused",
        id: "msg_01",
        status,
      });
    });
  }

  for (const status of [301, 302, 303, 307, 308]) {
    test(`where it is sent elsewhere by a ${status}, which is not followed`, async (t) => {
      const { got, url } = await startReceiver(t, (_, response) => {
        response.writeHead(status, { location: "/elsewhere" }).end();
      });
      assert.equal(await tell(url), false);
      assert.equal(got.length, 1);
      assert.equal(logged().status, status);
    });
  }

  test("where nothing is answered within ten seconds", async (t) => {
    t.mock.timers.enable({ apis: ["AbortSignal.timeout"] });
    const asked = Promise.withResolvers();
    const { url } = await startReceiver(t, asked.resolve);
    let told;
    const telling = tell(url).then((taken) => (told = taken));
    await asked.promise;
    t.mock.timers.tick(9_999);
    await new Promise((done) => setTimeout(done, 50));
    assert.equal(told, undefined);
    t.mock.timers.tick(1);
    assert.equal(await telling, false);
    assert.match(logged().error, /^(Abort|Timeout)Error$/);
  });

  test("where the connection is refused", async (t) => {
    const server = await startServer(() => {});
    await server.stop();
    assert.equal(await tell(`${server.url}/?key=${SECRET}`), false);
    assert.equal(logged().error, "TypeError");
  });

  test("where the connection ends before the answer", async (t) => {
    const { url } = await startReceiver(t, (_, response) => response.destroy());
    assert.equal(await tell(url), false);
    assert.equal(logged().error, "TypeError");
  });

  test("where the URL or the id cannot be sent", async (t) => {
    assert.equal(await tell(`no URL ${SECRET}`), false);
    assert.equal(logged().error, "TypeError");
    const { got, url } = await startReceiver(t);
    assert.equal(await tell(url, KEY, { id: "a\nb" }), false);
    assert.equal(got.length, 0);
  });
});
