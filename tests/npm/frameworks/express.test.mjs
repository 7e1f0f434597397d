// Express's middleware, on the oldest Node.js that the package is for and on this one.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ensureNode20, startSubject } from "./subjects.mjs";
import { keepsItsPromises } from "./suite.mjs";

const platforms = (await ensureNode20()) ? ["node20", "node"] : ["node"];

for (const platform of platforms) {
  describe(`Express on ${platform}`, () => {
    let subject, token;
    before(async () => {
      subject = await startSubject(platform, "express-app.js");
      ({ token } = await subject.make());
    });
    after(() => subject?.stop());
    keepsItsPromises(() => subject);

    for (const form of ["object", "reason", "list", "pairs"]) {
      test(`headers that writeHead is given leave guarded, too: ${form}`, async () => {
        const answer = await subject.ask(`/head/${form}`, { token });
        assert.deepEqual([answer.text, answer.reason], ["x", form === "reason" ? "Fine" : "OK"]);
        assert.deepEqual(answer.headerAll("cache-control"), ["private"]);
        assert.deepEqual(answer.headerAll("set-cookie"), ["a=1", "b=2"]);
      });
    }

    test("a file leaves guarded, and in parts", async () => {
      const range = [["Range", "bytes=0-5"]];
      const answer = await subject.ask("/file", { token, headers: range });
      assert.deepEqual([answer.status, answer.text], [206, "// The"]);
      assert.match(answer.header("cache-control"), /^private, max-age=0$/);
      const etag = [["If-None-Match", answer.header("etag")]];
      const fresh = await subject.ask("/file", { token, headers: etag });
      assert.equal(fresh.status, 304);
      assert.match(fresh.header("cache-control"), /^private/);
    });

    test("mounted, it goes by the whole path, and the app keeps its own", async () => {
      const refused = await subject.ask("/mounted/admin", { token });
      assert.deepEqual([refused.status, refused.json().code], [403, "scope_insufficient"]);
      const answer = await subject.ask(`/mounted/feed?access_token=${token}&a=1`);
      const { gatepass, url, originalUrl, query } = answer.json();
      assert.equal(gatepass.user.id, "ada");
      assert.deepEqual([url, originalUrl, query], ["/feed?a=1", "/mounted/feed?a=1", { a: "1" }]);
      const root = await subject.ask("/mounted?a=1", { token });
      assert.deepEqual([root.json().url, root.json().originalUrl], ["/?a=1", "/mounted?a=1"]);
    });

    test("the address is the peer's, whatever headers say", async () => {
      const bound = await subject.make({ allowedIps: ["192.0.2.7"] });
      const headers = [["X-Forwarded-For", "192.0.2.7"]];
      const refused = await subject.ask("/peer", { token: bound.token, headers });
      assert.equal(refused.json().code, "address_not_allowed");
      const here = await subject.make({ allowedIps: ["127.0.0.1"] });
      const answer = await subject.ask("/peer", { token: here.token, headers });
      assert.equal(answer.json().headers["x-forwarded-for"], "127.0.0.1");
      assert.equal(answer.json().ip, "127.0.0.1");
    });

    for (const [name, target, head] of [
      ["the absolute form", "http://127.0.0.1/public/x", []],
      ["another host's absolute form", "http://evil.example/public/x", []],
      ["two slashes at the beginning", "//public/x", []],
      ["a fragment", "/public/x#y", []],
      [
        "two hosts",
        "/public/x",
        [
          ["Host", "a.example"],
          ["Host", "b.example"],
        ],
      ],
      ["a host that is none", "/public/x", [["Host", "999.1.1.1"]]],
    ]) {
      test(`RFC 9112 §3.2: ${name} is a malformed request`, async () => {
        const answer = await subject.ask(target, { headers: head });
        assert.deepEqual([answer.status, answer.json().code], [400, "invalid_request"]);
      });
    }

    for (const host of ["EXAMPLE.com", "example.com:80", "[::1]:8080", "a_b.example"]) {
      test(`Host: ${host} is one`, async () => {
        const answer = await subject.ask("/public/x", { headers: [["Host", host]] });
        assert.equal(answer.status, 200);
      });
    }

    test("a query that is not spelled as the URL standard has it is left alone", async () => {
      const answer = await subject.ask(`/any?x='"<>|`, { token });
      assert.deepEqual(answer.json().query, { x: `'"<>|` });
      assert.match(answer.json().url, /\/any\?x='"<>\|$/);
    });
  });
}

describe("Express behind a proxy that it trusts", () => {
  let subject;
  before(async () => (subject = await startSubject("node", "express-proxied.js")));
  after(() => subject?.stop());

  test("address, scheme and host are what the proxy says, to the gate and to the app", async () => {
    const { token } = await subject.make({ allowedIps: ["192.0.2.7"] });
    const headers = [
      ["X-Forwarded-For", "198.51.100.1, 192.0.2.7"],
      ["X-Forwarded-Proto", "https"],
      ["X-Forwarded-Host", "app.example"],
    ];
    const answer = await subject.ask("/any", { token, headers });
    const { headers: seen, host, ip, protocol } = answer.json();
    assert.deepEqual([ip, protocol, host], ["192.0.2.7", "https", "app.example"]);
    assert.deepEqual(
      [seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-host"]],
      ["192.0.2.7", "https", "app.example"],
    );
  });

  for (const [name, value] of [
    ["X-Forwarded-Proto", "https://evil.example/public/x?"],
    ["X-Forwarded-Proto", "file"],
    ["X-Forwarded-Host", "a.example/public/x?"],
    ["X-Forwarded-Host", "a.example@b.example"],
  ]) {
    test(`${name}: ${value} is none`, async () => {
      const answer = await subject.ask("/admin/x", { headers: [[name, value]] });
      assert.deepEqual([answer.status, answer.json().code], [400, "invalid_request"]);
    });
  }
});
