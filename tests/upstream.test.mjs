import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { rawRequest } from "./support/raw.mjs";
import { upstreamWorker } from "./support/upstream.mjs";
import { startWorkerd } from "./support/workerd.mjs";

const MB = 1024 * 1024;

let upstream;
before(async () => {
  upstream = await startWorkerd({ workers: [upstreamWorker()] });
});
after(() => upstream?.stop());

const get = (path, init) => fetch(upstream.url + path, { redirect: "manual", ...init });
const getJson = async (path, init) => (await get(path, init)).json();
const raw = (options) => rawRequest({ port: upstream.port, ...options });

test("jobs come in pages of 20", async () => {
  const { jobs } = await getJson("/api/v1/");
  const first = await getJson(jobs);
  assert.deepEqual(Object.keys(first), [
    "PageNumber",
    "PageSize",
    "TotalRows",
    "TotalPages",
    "Result",
  ]);
  const { Result, ...numbers } = first;
  assert.deepEqual(numbers, {
    PageNumber: 1,
    PageSize: 20,
    TotalRows: 60,
    TotalPages: 3,
  });
  assert.equal(Result.length, 20);

  const last = await getJson("/api/v1/jobs?page=2&page_size=50");
  assert.equal(last.TotalPages, 2);
  assert.deepEqual(
    last.Result.map(({ ID }) => ID._id),
    Array.from({ length: 10 }, (_, i) => i + 51),
  );
  const beyond = await getJson("/api/v1/jobs/?page=9");
  assert.deepEqual(beyond.Result, []);
});

test("a job has the fields of the sample", async () => {
  const [job] = (await getJson("/api/v1/jobs/?page_size=1")).Result;
  assert.equal(job.ID.IDString, "1_1");
  assert.match(job.ID._server_guid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.match(job.CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/);
  assert.deepEqual(job.Attributes, []);
  for (const field of ["Name", "Description", "Type", "Path", "JobCreatorName"])
    assert.equal(typeof job[field], "string", field);
});

test("jobs are found by a part of their name in any case", async () => {
  const found = await getJson("/api/v1/jobs/?name=bRiDgE&page=1&page_size=100");
  assert.equal(found.TotalRows, 10);
  assert.ok(found.Result.every(({ Name }) => Name.includes("Bridge")));
  const none = await getJson("/api/v1/jobs/?name=nowhere");
  assert.equal(none.TotalPages, 0);
});

for (const query of [
  "page=0",
  "page=-1",
  "page=1.5",
  "page=x",
  "page=",
  "page_size=0",
  "page_size=101",
  "page_size=1e1",
]) {
  test(`jobs?${query} is 400`, async () => {
    const answer = await get(`/api/v1/jobs/?${query}`);
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).error, /^page(_size)? must be/);
  });
}

test("a posted job is answered and forgotten", async () => {
  const body = JSON.stringify({ Name: "Unheard of", Description: "Made here" });
  for (const path of ["/api/v1/jobs/", "/api/v1/jobs"]) {
    const answer = await get(path, { method: "POST", body });
    assert.equal(answer.status, 201);
    const job = await answer.json();
    assert.equal(job.Name, "Unheard of");
    assert.equal(job.Description, "Made here");
    assert.equal(job.ID._id, 61);
  }
  assert.equal((await getJson("/api/v1/jobs/?name=unheard")).TotalRows, 0);
});

for (const body of ["", "{", "null", "[]", '{"Name":1}', '{"Name":""}']) {
  test(`posting ${body || "nothing"} as a job is 400`, async () => {
    const answer = await get("/api/v1/jobs/", { method: "POST", body });
    assert.equal(answer.status, 400);
  });
}

test("other methods on jobs are 405 with Allow", async () => {
  const answer = await get("/api/v1/jobs/", { method: "DELETE" });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("Allow"), "GET, HEAD, POST");
});

test("the OData service document lists Jobs", async () => {
  for (const path of ["/odata/", "/odata"]) {
    const answer = await get(path);
    assert.equal(answer.headers.get("OData-Version"), "4.0");
    assert.match(answer.headers.get("Content-Type"), /^application\/json;/);
    assert.deepEqual(await answer.json(), {
      "@odata.context": `${upstream.url}/odata/$metadata`,
      value: [{ name: "Jobs", kind: "EntitySet", url: "Jobs" }],
    });
  }
});

test("OData metadata is CSDL 4.0 and names every property", async () => {
  for (const path of ["/odata/$metadata", "/odata/%24metadata"]) {
    const answer = await get(path);
    assert.equal(answer.headers.get("Content-Type"), "application/xml");
    assert.equal(answer.headers.get("OData-Version"), "4.0");
    const xml = await answer.text();
    assert.match(xml, /<edmx:Edmx Version="4\.0"/);
    assert.match(xml, /<EntitySet Name="Jobs" EntityType="Gatepass\.Demo\.Job"/);
    const declared = xml.matchAll(/<Property Name="(\w+)"/g);
    const job = await getJson("/odata/Jobs(1)");
    assert.deepEqual(
      [...declared].map(([, name]) => name),
      Object.keys(job).filter((name) => !name.startsWith("@")),
    );
  }
});

test("OData pages by 25 and links to the next page", async () => {
  const ids = [];
  const sizes = [];
  let link = `${upstream.url}/odata/Jobs?$count=true`;
  while (link) {
    const feed = await (await fetch(link)).json();
    assert.equal(feed["@odata.count"], 60);
    sizes.push(feed.value.length);
    ids.push(...feed.value.map(({ Id }) => Id));
    link = feed["@odata.nextLink"];
  }
  assert.deepEqual(sizes, [25, 25, 10]);
  assert.equal(new Set(ids).size, 60);
});

test("OData pages keep to $skip, $top, $filter and $orderby", async () => {
  const query = "$skip=2&$top=30&$orderby=Name desc&$select=Name";
  const first = await getJson(`/odata/Jobs?${query}`);
  const second = await (await fetch(first["@odata.nextLink"])).json();
  assert.equal(second["@odata.nextLink"], undefined);
  const names = [...first.value, ...second.value].map(({ Name }) => Name);
  assert.equal(names.length, 30);
  assert.deepEqual(names, names.toSorted().reverse());

  const none = await getJson("/odata/Jobs?$top=0&$count=true");
  assert.deepEqual(none.value, []);
  assert.equal(none["@odata.count"], 60);
  assert.equal(none["@odata.nextLink"], undefined);
});

test("OData $select leaves only what it names", async () => {
  const feed = await getJson("/odata/Jobs?$select=Name,Id&$top=1");
  assert.match(feed["@odata.context"], /\/\$metadata#Jobs\(Name,Id\)$/);
  assert.deepEqual(Object.keys(feed.value[0]), ["Name", "Id"]);
});

test("OData $filter knows contains and eq", async () => {
  const some = await getJson("/odata/Jobs?$filter=contains(Name,'Bridge')");
  assert.equal(some.value.length, 10);
  for (const filter of ["Id eq 7", "(Id eq 7)"]) {
    const one = await getJson(`/odata/Jobs?$filter=${filter}`);
    assert.deepEqual(
      one.value.map(({ Id }) => Id),
      [7],
    );
  }
  const quoted = await getJson("/odata/Jobs?$filter=contains(Name,'it''s')");
  assert.deepEqual(quoted.value, []);
  const count = await get("/odata/Jobs/$count?$filter=contains(Name,'Bridge')");
  assert.equal(await count.text(), "10");
});

test("OData answers a single job", async () => {
  const job = await getJson("/odata/Jobs(7)");
  assert.equal(job["@odata.context"], `${upstream.url}/odata/$metadata#Jobs/$entity`);
  assert.equal(job.Id, 7);
  assert.match(job.CreatedDate, /Z$/);
});

for (const [path, status] of [
  ["Jobs(999)", 404],
  ["Jobs(x)", 404],
  ["Nothing", 404],
  ["%ff", 400],
  ["Jobs?$top=-1", 400],
  ["Jobs?$top=x", 400],
  ["Jobs?$count=maybe", 400],
  ["Jobs?$select=Nothing", 400],
  ["Jobs?$filter=Name eq 'x'", 501],
  ["Jobs?$filter=", 501],
  ["Jobs?$orderby=Nothing", 501],
  ["Jobs?$expand=Things", 501],
  ["$batch", 404],
]) {
  test(`/odata/${path} is an OData error ${status}`, async () => {
    const answer = await get(`/odata/${path}`);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("OData-Version"), "4.0");
    const { error } = await answer.json();
    assert.equal(typeof error.code, "string");
    assert.equal(typeof error.message, "string");
  });
}

test("the feed is read only", async () => {
  const answer = await get("/odata/Jobs", { method: "POST", body: "{}" });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("Allow"), "GET, HEAD");
});

test("the feed's URLs lead back through the gate", async () => {
  const links = async (headers) => {
    const answer = await raw({ target: "/odata/Jobs", headers });
    const feed = answer.json();
    return [feed["@odata.context"], feed["@odata.nextLink"]].map((link) => new URL(link).origin);
  };
  assert.deepEqual(
    await links([
      ["X-Forwarded-Proto", "https"],
      ["X-Forwarded-Host", "gate.example"],
    ]),
    ["https://gate.example", "https://gate.example"],
  );
  assert.deepEqual(
    await links([
      ["X-Forwarded-Proto", "http"],
      ["X-Forwarded-Host", "localhost:8787"],
    ]),
    ["http://localhost:8787", "http://localhost:8787"],
  );
  assert.deepEqual(
    await links([
      ["X-Forwarded-Proto", "javascript"],
      ["X-Forwarded-Host", "a/b?c"],
    ]),
    [upstream.url, upstream.url],
  );
});

test("echo answers what arrived", async () => {
  const answer = await raw({
    method: "PATCH",
    target: "/echo/a%2fb?x=1",
    headers: [
      ["Host", "app.example"],
      ["X-One", "1"],
      ["x-one", "2"],
      ["__proto__", "kept"],
    ],
    body: "grüße",
  });
  const echo = answer.json();
  assert.equal(echo.method, "PATCH");
  assert.equal(echo.url, "http://app.example/echo/a%2fb?x=1");
  assert.equal(echo.headers["x-one"], "1, 2");
  assert.ok(Object.hasOwn(echo.headers, "__proto__"));
  assert.equal(echo.body, "grüße");
  assert.equal(echo.bodyBytes, 7);
  assert.equal(answer.header("Cache-Control"), undefined);
});

test("echo keeps 64 KB of a body and counts all of it", async () => {
  const body = "x".repeat(MB);
  const echo = await getJson("/echo/big", { method: "POST", body });
  assert.equal(echo.body.length, 64 * 1024);
  assert.equal(echo.bodyBytes, MB);
});

test("echo's Cache-Control is the caller's", async () => {
  const answer = await get("/echo/x.js?cache=public,%20max-age=60");
  assert.equal(answer.headers.get("Cache-Control"), "public, max-age=60");
  assert.equal((await get("/echo/?cache=a%0d%0ab:c")).status, 400);
});

test("the WebSocket echoes text and binary and closes", async () => {
  const socket = new WebSocket(upstream.url.replace("http", "ws") + "/ws");
  socket.binaryType = "arraybuffer";
  const next = (type) => new Promise((done) => socket.addEventListener(type, done, { once: true }));
  await next("open");
  socket.send("grüße");
  assert.equal((await next("message")).data, "grüße");
  socket.send(new Uint8Array([0, 255, 128]));
  const { data } = await next("message");
  assert.deepEqual([...new Uint8Array(data)], [0, 255, 128]);
  socket.close(4001, "done");
  const closed = await next("close");
  assert.equal(closed.code, 4001);
  assert.ok(closed.wasClean);
});

test("the WebSocket's handshake is a 101, and 426 without one", async () => {
  const upgraded = await raw({
    target: "/ws",
    headers: [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ],
  });
  assert.equal(upgraded.status, 101);
  assert.equal(upgraded.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  upgraded.socket.destroy();
  assert.equal((await get("/ws")).status, 426);
});

test("a large answer has its length and comes whole", async () => {
  const answer = await get("/large?mb=20");
  assert.equal(answer.headers.get("Content-Length"), String(20 * MB));
  let bytes = 0;
  for await (const chunk of answer.body) bytes += chunk.length;
  assert.equal(bytes, 20 * MB);
  for (const mb of ["1025", "-1", "x"]) {
    assert.equal((await get(`/large?mb=${mb}`)).status, 400);
  }
});

test("a client that leaves a large answer does no harm", async () => {
  const leaving = new AbortController();
  const answer = await get("/large?mb=1024", { signal: leaving.signal });
  await answer.body.getReader().read();
  leaving.abort();
  assert.equal((await get("/public/hello")).status, 200);
});

test("a large body is counted", async () => {
  for (const bytes of [1, MB - 1, MB, 3 * MB + 5, 20 * MB]) {
    for (const method of ["POST", "PUT"]) {
      const body = new Uint8Array(bytes);
      assert.deepEqual(await getJson("/large", { method, body }), { bytes });
    }
  }
  assert.deepEqual(await getJson("/large", { method: "POST" }), { bytes: 0 });
});

test("a slow answer takes its time", async () => {
  const start = performance.now();
  assert.deepEqual(await getJson("/slow?ms=200"), { waited: 200 });
  assert.ok(performance.now() - start > 190);
  assert.equal((await get("/slow?ms=120001")).status, 400);
});

test("a redirect names its target as it is", async () => {
  const home = await get("/redirect");
  assert.equal(home.status, 302);
  assert.equal(home.headers.get("Location"), "/public/hello");
  const away = await get("/redirect?to=https://else.example/a?b%26c");
  assert.equal(away.headers.get("Location"), "https://else.example/a?b&c");
  assert.equal((await get("/redirect?to=%0d%0a")).status, 400);
});

test("every status from 200 to 599 can be had", async () => {
  for (const status of [200, 201, 206, 300, 401, 404, 407, 429, 503, 599]) {
    const answer = await raw({ target: `/status/${status}` });
    assert.equal(answer.status, status);
    assert.deepEqual(answer.json(), { status });
  }
  for (const status of [204, 205, 304]) {
    const answer = await raw({ target: `/status/${status}` });
    assert.equal(answer.status, status);
    assert.equal(answer.body.length, 0);
  }
  for (const status of ["199", "600", "x"]) {
    assert.equal((await get(`/status/${status}`)).status, 400);
  }
});

test("cookies are set and shown", async () => {
  const answer = await raw({
    target: "/cookies",
    headers: [
      ["Host", "app.example:8080"],
      ["Cookie", "visit=1; other=2"],
    ],
  });
  assert.deepEqual(answer.headerAll("Set-Cookie"), [
    "visit=1; Path=/; HttpOnly",
    "theme=dark; Domain=app.example; Path=/; SameSite=Lax",
  ]);
  assert.deepEqual(answer.json(), { cookie: "visit=1; other=2" });
  assert.deepEqual(await getJson("/cookies"), { cookie: null });
});

test("the front page lists links that work", async () => {
  const answer = await get("/");
  assert.match(answer.headers.get("Content-Type"), /^text\/html/);
  const html = await answer.text();
  const links = [...html.matchAll(/href="([^"]+)"/g)].map(([, link]) =>
    link.replaceAll("&amp;", "&"),
  );
  assert.ok(links.length > 5);
  for (const link of links.filter((link) => !link.startsWith("/slow"))) {
    const linked = await get(link);
    assert.notEqual(linked.status, 404, link);
    await linked.body?.cancel();
  }
});

test("hello, failure, and nothing", async () => {
  const hello = await get("/public/hello");
  assert.equal(await hello.text(), "Hello from the upstream\n");
  assert.equal((await get("/fail")).status, 500);
  for (const path of ["/nothing", "/public/", "/status/", "/wsx", "//ws"]) {
    const answer = await get(path);
    assert.equal(answer.status, 404, path);
    assert.match(answer.headers.get("Content-Type"), /json/);
  }
});

test("HEAD answers as GET without a body", async () => {
  for (const target of ["/public/hello", "/api/v1/jobs/", "/odata/Jobs"]) {
    const answer = await raw({ method: "HEAD", target });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 0);
  }
  const large = await raw({ method: "HEAD", target: "/large?mb=3" });
  assert.equal(large.header("Content-Length"), String(3 * MB));
});
