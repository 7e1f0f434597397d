import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "./support/api.mjs";
import { boardWorker } from "./support/board.mjs";
import { startWorkerd } from "./support/workerd.mjs";

let board;
before(async () => {
  board = await startWorkerd({ workers: [boardWorker()] });
});
after(() => board?.stop());

/** A request as the gate forwards it for a user. */
const ask = (user, path, { headers, ...init } = {}) =>
  fetch(board.url + path, {
    redirect: "manual",
    headers: { "gatepass-user": encodeURIComponent(user), ...headers },
    ...init,
  });
const page = async (user, path = "/", init) => (await ask(user, path, init)).text();
const post = (user, path, fields, headers) =>
  ask(user, path, { method: "POST", body: new URLSearchParams(fields), headers });
const JSON_WANTED = { accept: "application/json" };

const titles = (html) => [...html.matchAll(/<h3>.*?>([^<]*)</g)].map(([, title]) => title);
const textOf = (html, id) => html.match(new RegExp(`id="${id}"[^>]*>([^<]*)<`))?.[1];
const columnOf = (html, job) =>
  html
    .split('<section class="column"')
    .find((column) => column.includes(`id="job-${job}"`))
    ?.match(/aria-labelledby="(\w+)"/)[1];

test("it says who is signed in, decoded and escaped", async () => {
  assert.equal(textOf(await page("ada"), "viewer"), "ada");
  const headers = { "gatepass-email": "%C3%A9lo%C3%AFse@example.com" };
  assert.equal(textOf(await page("é", "/", { headers }), "viewer"), "éloïse@example.com");
  assert.equal(textOf(await page("<b>"), "viewer"), "&lt;b&gt;");
  const broken = await ask("x", "/", { headers: { "gatepass-user": "100%" } });
  assert.equal(textOf(await broken.text(), "viewer"), "100%");
  const nobody = await (await fetch(board.url)).text();
  assert.match(textOf(nobody, "viewer"), /^Nobody/);
});

test("two users see different jobs, and each only their own", async () => {
  const [ada, ben] = [await page("ada@example.com"), await page("ben@example.com")];
  assert.equal(titles(ada).length, 6);
  assert.notDeepEqual(titles(ada), titles(ben));
  await post("ada@example.com", "/jobs", { title: "Ada's alone", place: "Here" });
  assert.ok((await page("ada@example.com")).includes("Ada&#39;s alone"));
  assert.ok(!(await page("ben@example.com")).includes("Ada&#39;s alone"));
});

test("a job is added and moved by forms, which end in a redirect", async () => {
  const added = await post("forms", "/jobs", { title: " Mend <b>\n it ", place: "Lane" });
  assert.equal(added.status, 303);
  assert.equal(added.headers.get("location"), "/#job-7");
  assert.ok(titles(await page("forms")).includes("Mend &lt;b&gt; it"));
  assert.equal(columnOf(await page("forms"), 7), "todo");

  const moved = await post("forms", "/jobs/7/move", { to: "done" });
  assert.equal(moved.status, 303);
  assert.equal(moved.headers.get("location"), "/#job-7");
  assert.equal(columnOf(await page("forms"), 7), "done");
});

test("the script gets the columns instead", async () => {
  const moved = await post("script", "/jobs/1/move", { to: "doing" }, JSON_WANTED);
  assert.equal(moved.status, 200);
  const { html, message, job } = await moved.json();
  assert.equal(columnOf(html, 1), "doing");
  assert.match(message, /is now in In progress\.$/);
  assert.equal(job, 1);
});

for (const [what, path, fields, status] of [
  ["no title", "/jobs", { title: " ", place: "Lane" }, 400],
  ["a long title", "/jobs", { title: "x".repeat(81), place: "Lane" }, 400],
  ["a body that is too long", "/jobs", { title: "x".repeat(20_000), place: "Lane" }, 400],
  ["an unknown column", "/jobs/1/move", { to: "elsewhere" }, 400],
  ["an unknown job", "/jobs/99/move", { to: "done" }, 404],
  ["an unknown theme", "/theme", { theme: "pink" }, 400],
]) {
  test(`${what} is ${status}`, async () => {
    assert.equal((await post("wrong", path, fields)).status, status);
  });
}

test("a board has room for 60 jobs", async () => {
  for (let i = 7; i <= 60; i++) {
    const added = await post("full", "/jobs", { title: `${i}`, place: "Lane" }, JSON_WANTED);
    assert.equal(added.status, 200);
  }
  assert.equal((await post("full", "/jobs", { title: "61", place: "Lane" })).status, 409);
});

test("the latest job is a root-relative redirect away", async () => {
  await post("latest", "/jobs", { title: "The newest", place: "Lane" });
  const answer = await ask("latest", "/latest");
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.get("location"), "/jobs/7");
  assert.match(await page("latest", "/jobs/7"), /<h2>The newest<\/h2>/);
  assert.equal((await ask("latest", "/jobs/99")).status, 404);
});

test("visits are counted in a cookie", async () => {
  const first = await ask("ada", "/");
  assert.match(first.headers.get("set-cookie"), /^board-visits=1; .*HttpOnly/);
  const headers = { cookie: "other=1; board-visits=41" };
  const next = await ask("ada", "/", { headers });
  assert.match(next.headers.get("set-cookie"), /^board-visits=42;/);
  assert.equal(textOf(await next.text(), "visits"), "42");
});

test("the theme's cookie names its domain", async () => {
  const set = await post(
    "ada",
    "/theme",
    { theme: "dark" },
    { "x-forwarded-host": "app.example:8787" },
  );
  assert.equal(set.status, 303);
  assert.match(
    set.headers.get("set-cookie"),
    /^board-theme=dark; Domain=app\.example; Path=\/;.* SameSite=Lax$/,
  );
  assert.match(
    await page("ada", "/", { headers: { cookie: "board-theme=dark" } }),
    /data-theme="dark"/,
  );
  assert.doesNotMatch(
    await page("ada", "/", { headers: { cookie: "board-theme=pink" } }),
    /data-theme/,
  );
});

test("pages run what has their nonce alone, and let nobody frame them", async () => {
  const answers = [await ask("ada", "/"), await ask("ada", "/"), await ask("ada", "/none")];
  const nonces = await Promise.all(
    answers.map(async (answer) => {
      const policy = answer.headers.get("content-security-policy");
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.equal(answer.headers.get("x-frame-options"), "DENY");
      const [, nonce] = policy.match(/script-src 'nonce-([^']+)'/);
      const html = await answer.text();
      assert.ok(html.includes(`<script src="/script.js" nonce="${nonce}"`));
      assert.equal(html.match(/<script/g).length, 1);
      assert.doesNotMatch(html, / on\w+=| style=/);
      return nonce;
    }),
  );
  assert.equal(new Set(nonces).size, nonces.length);
});

test("every picture of a board is there, and its style and script", async () => {
  const html = await page("ada");
  const paths = [...html.matchAll(/(?:src|href)="(\/[^"]+\.(?:svg|css|js))"/g)].map(
    ([, path]) => path,
  );
  assert.ok(paths.length >= 8);
  for (const path of paths) {
    const answer = await ask("ada", path);
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get("content-type"), /^(image\/svg\+xml|text\/(css|javascript));/);
  }
  assert.equal((await ask("ada", "/pictures/none.svg")).status, 404);
  assert.equal((await ask("ada", "/pictures/constructor.svg")).status, 404);
});

test("an upload is counted as it comes", async () => {
  const MB = new Uint8Array(1024 * 1024);
  const body = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 5; i++) controller.enqueue(MB);
      controller.close();
    },
  });
  const options = { method: "POST", body, duplex: "half", headers: JSON_WANTED };
  const answer = await ask("uploads", "/upload", options);
  assert.deepEqual(await answer.json(), { bytes: 5 * MB.length });
  assert.match(textOf(await page("uploads"), "uploaded"), /5,242,880 bytes/);

  const form = new FormData();
  form.append("file", new Blob([MB]), "a.png");
  const posted = await ask("uploads", "/upload", { method: "POST", body: form });
  assert.equal(posted.status, 303);
  assert.equal(posted.headers.get("location"), "/#upload");
});

test("the handbook comes in parts", async () => {
  const part = async (range, method) =>
    ask("ada", "/handbook.txt", { method, headers: range && { range } });
  const whole = await part();
  assert.equal(whole.status, 200);
  assert.equal(whole.headers.get("accept-ranges"), "bytes");
  const text = await whole.text();
  for (const [range, wanted, from, to] of [
    ["bytes=0-3", text.slice(0, 4), 0, 3],
    ["bytes=5-", text.slice(5), 5, text.length - 1],
    ["bytes=-6", text.slice(-6), text.length - 6, text.length - 1],
    ["bytes=10-99999", text.slice(10), 10, text.length - 1],
  ]) {
    const answer = await part(range);
    assert.equal(answer.status, 206, range);
    assert.equal(answer.headers.get("content-range"), `bytes ${from}-${to}/${text.length}`);
    assert.equal(await answer.text(), wanted);
  }
  for (const range of ["bytes=99999-", "bytes=3-1", "bytes=-0"]) {
    const answer = await part(range);
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers.get("content-range"), `bytes */${text.length}`);
  }
  assert.equal((await part("bytes=0-1,3-4")).status, 200);
  const head = await part(undefined, "HEAD");
  assert.equal(head.headers.get("content-length"), String(text.length));
});

test("events tell the time each second, and what has happened since", async () => {
  const controller = new AbortController();
  const answer = await ask("events", "/events?after=1", { signal: controller.signal });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  let text = "";
  const reading = (async () => {
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) text += chunk;
  })().catch(() => {});
  await until(() => text.match(/event: clock\ndata: \d\d:\d\d:\d\d\n\n/g)?.length >= 2, "clock");
  assert.doesNotMatch(text, /event: activity/);
  await post("events", "/jobs/1/move", { to: "done" });
  await until(() => /id: 2\nevent: activity\ndata: .* went to Done\n\n/.test(text), "news");
  controller.abort();
  await reading;
});

test("a WebSocket sends back what it gets, and counts the user's windows", async () => {
  const open = async () => {
    const socket = new WebSocket(board.url.replace("http", "ws") + "/ws");
    socket.got = [];
    socket.addEventListener("message", ({ data }) => socket.got.push(data));
    await until(() => socket.got.length > 0, "the first message");
    return socket;
  };
  const first = await open();
  assert.deepEqual(JSON.parse(first.got[0]), { windows: 1 });
  first.send("hello");
  await until(() => first.got.includes("hello"), "the echo");
  const second = await open();
  await until(() => first.got.includes('{"windows":2}'), "two windows");
  second.close();
  await until(() => first.got.filter((data) => data === '{"windows":1}').length === 2, "one");
  first.close();
  assert.equal((await ask("guest", "/ws")).status, 426);
});

test("another method is 405, another path 404", async () => {
  const answer = await ask("ada", "/jobs/1/move");
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("allow"), "POST");
  assert.equal((await ask("ada", "/", { method: "DELETE" })).headers.get("allow"), "GET, HEAD");
  assert.equal((await ask("ada", "/none")).status, 404);
});
