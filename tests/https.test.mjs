import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "./support/gate.mjs";
import { fetchTest, startHttps, testCertificate } from "./support/https.mjs";
import { startWorkerd } from "./support/workerd.mjs";

test("a server of this process has every name, and its answers keep their cookies apart", async (t) => {
  const server = await startHttps(({ headers, url }, response) => {
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.writeHead(303, { location: "/elsewhere" }).end(headers.host + url);
  });
  t.after(() => server.stop());
  const answer = await fetchTest(`https://portal.test:${server.port}/a?b`);
  assert.equal(answer.status, 303);
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(await answer.text(), `portal.test:${server.port}/a?b`);
});

test("a Worker behind an HTTPS socket sees an https URL, on the port that was chosen", async (t) => {
  const port = await freePort();
  const source = "export default { fetch: (request) => new Response(request.url) };";
  const workerd = await startWorkerd({
    workers: [{ name: "main", modules: { "worker.js": source } }],
    sockets: { main: { service: "main", port, tls: testCertificate() } },
  });
  t.after(() => workerd.stop());
  assert.equal(workerd.url, `https://127.0.0.1:${port}`);
  const url = `https://place.embeds.test:${port}/a?b`;
  assert.equal(await (await fetchTest(url)).text(), url);
});
