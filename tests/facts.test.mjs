import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { serialised } from "../src/shell/facts.js";
import { generator } from "./support/random.mjs";

// Without percent-encoding and what must have it, which a URL's setters would add.
const PIECES = [
  ...["a", "Z", "0", "9", "-", "--", "_", ".", "..", "/", "//", "?", "&", "=", "+", ":", "@", "#"],
  ...["%", "%2e", "%41", "'", "$", "(", ")", ",", ";", "~", "!", "*", "\\", " ", "\t", "é", "|"],
  ...["[::1]", "127.1", "0x7f", "xn--a", "localhost", "gate.example", ":80", ":443", ":8787"],
];
const STARTS = ["http://", "https://", "http:/", "ftp://", "", "https://gate.example/"];

const byTheStandard = (url) => (URL.canParse(url) ? new URL(url).href : "");

describe("the URL standard: a URL goes to the core as it is serialised", () => {
  for (const url of [
    ...["http://localhost/", "https://gate.example/api/v1/jobs/?page=1&page_size=3"],
    ...[
      "https://a-b.c1.example:8787/odata/Jobs?$filter=Id%20eq%201",
      "http://1.2.3/",
      "http://a/..",
    ],
    ...[
      "http://a",
      "http://a.b.0x1/",
      "https://a:443/",
      "http://a:80/",
      "http://a:08/",
      "http://A/",
    ],
    ...[
      "http://xn--a.example/",
      "http://a/x/./y",
      "http://a/%2e%2e/",
      "http://a/?'",
      "http://a/#x",
    ],
  ]) {
    test(url, () => assert.equal(serialised(url), byTheStandard(url)));
  }

  test("whatever the pieces", () => {
    const random = generator(20_261_122);
    const pick = (list) => list[Math.floor(random() * list.length)];
    for (let n = 0; n < 50_000; n++) {
      const url =
        pick(STARTS) + Array.from({ length: 1 + random() * 8 }, () => pick(PIECES)).join("");
      assert.equal(serialised(url), byTheStandard(url), JSON.stringify(url));
    }
  });

  test("a long one takes no longer than its length", () => {
    const before = performance.now();
    for (const end of ["", "é", "/.", "?'"])
      serialised(`http://localhost/${"a.b-c/".repeat(20_000)}${end}`);
    assert.ok(performance.now() - before < 1_000);
  });
});
