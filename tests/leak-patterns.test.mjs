// The regular expressions that docs/api.md gives to secret scanners.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { makeToken } from "./support/tokens.mjs";

const docs = readFileSync(new URL("../docs/api.md", import.meta.url), "utf8");
const patternOf = (kind) => {
  const [, pattern] = new RegExp(`^\\| ${kind} +\\| \`(.*?)\` +\\|$`, "m").exec(docs);
  return new RegExp(pattern, "g");
};
const KINDS = { pat: patternOf("PAT"), pat_embed: patternOf("embed") };

/** What both find in a text. */
const found = (text) => Object.values(KINDS).flatMap((pattern) => text.match(pattern) ?? []);

// Where tokens turn up.
const PLACES = {
  "alone on a line": (token) => `\n${token}\n`,
  "an assignment": (token) => `TOKEN=${token}\n`,
  "a text in code": (token) => `const token = "${token}";`,
  "a text in SQL": (token) => `VALUES ('${token}')`,
  "a header": (token) => `Authorization: Bearer ${token}\r\n`,
  "a URL with a password": (token) => `https://ada:${token}@app.example.com/odata/`,
  "a query": (token) => `?personal-access-token=${token}&gp-renew=1`,
  "a log": (token) => `[2026-11-22T10:00:00Z] ${token}, 200`,
  XML: (token) => `<password>${token}</password>`,
  "the end of a sentence": (token) => `It was ${token}.`,
};

for (const [kind, pattern] of Object.entries(KINDS)) {
  describe(`the regular expression for ${kind}_`, () => {
    test("finds each token of its kind, whole, and no other", () => {
      for (let i = 0; i < 1_000; i++) {
        const token = makeToken({ kind });
        assert.deepEqual(token.match(pattern), [token]);
        assert.deepEqual(found(`x ${token} y`), [token]);
      }
    });

    for (const [where, wrap] of Object.entries(PLACES)) {
      test(`finds one in ${where}`, () => {
        const token = makeToken({ kind });
        assert.deepEqual(found(wrap(token)), [token]);
      });
    }

    test("finds two side by side", () => {
      const tokens = [makeToken({ kind }), makeToken({ kind })];
      assert.deepEqual(found(tokens.join(",")), tokens);
    });

    test("finds nothing that is longer, shorter or spelled otherwise", () => {
      const token = makeToken({ kind });
      for (const other of [
        ...[`${token}x`, `${token}_`, `x${token}`, `_${token}`, token.slice(0, -1)],
        ...[token.toUpperCase(), token.replace("_", "-"), token.replaceAll("_", "")],
        token.replace(/.{5}$/, "é$&").slice(0, -1),
      ]) {
        assert.deepEqual(found(other), [], other);
      }
    });
  });
}

test("neither finds tokens of others, digests, keys or identifiers", () => {
  const letters = (count) =>
    randomBytes(3 * count)
      .toString("base64")
      .replace(/\W/g, "");
  for (let i = 0; i < 1_000; i++) {
    const of = (count) => letters(count).slice(0, count);
    for (const other of [
      ...[`github_pat_${of(22)}_${of(59)}`, `ghp_${of(36)}`, `npm_${of(36)}`, `glpat-${of(20)}`],
      ...[`sk_live_${of(24)}`, `dapi${of(32)}`, `xoxp-${of(36)}`, `compat_${of(36)}`],
      ...[randomBytes(32).toString("hex"), randomBytes(48).toString("base64"), of(40)],
      ...[`pat_${of(30)}`, `pat_embed_${of(30)}`, `PAT_${of(36)}`, `path_${of(36)}`],
      "pat_embed_allowed_origins_of_this_application",
    ]) {
      assert.deepEqual(found(`x ${other} y`), [], other);
    }
  }
});
