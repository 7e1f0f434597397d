// Hono's middleware, on each platform that Hono runs on.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openSocket } from "./sockets.mjs";
import { startSubject } from "./subjects.mjs";
import { keepsItsPromises } from "./suite.mjs";

for (const platform of ["node", "bun", "deno", "workerd"]) {
  describe(`Hono on ${platform}`, () => {
    let subject;
    before(async () => (subject = await startSubject(platform, `hono-${platform}.js`)));
    after(() => subject?.stop());
    keepsItsPromises(() => subject);

    if (platform === "bun") {
      test("Bun still tells whose address a request is from", async () => {
        const { token } = await subject.make();
        assert.equal((await subject.ask("/peer", { token })).text, "127.0.0.1");
      });
    }

    if (platform === "node") return;

    test("a WebSocket opens for a token, and its handler sees no more than others", async () => {
      const { token } = await subject.make();
      const spoofed = { "Gatepass-User": "mallory", Gatepass_User: "mallory" };
      const socket = await openSocket(subject.port, `/socket?a=1&access_token=${token}`, spoofed);
      const text = await socket.ask("hello");
      const { user, url, headers, cloned } = JSON.parse(text);
      assert.equal(user, "ada");
      assert.match(url, /\/socket\?a=1$/);
      assert.equal(headers["gatepass-user"], "ada");
      assert.equal(Object.fromEntries(cloned.headers)["gatepass-user"], "ada");
      assert.ok(!text.includes(token) && !text.includes("mallory"), text);
      socket.close();
    });

    test("a WebSocket without a token is refused", async () => {
      const { status } = await openSocket(subject.port, "/socket");
      assert.equal(status, 401);
    });
  });
}
