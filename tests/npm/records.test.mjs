// What comes out of a store is checked before the core reads it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importSource } from "./support/source.mjs";

const { Records } = await importSource("records.ts");

const UNAVAILABLE = { code: "store_unavailable" };

/** What is no text, and yet what some store would answer. */
const NO_TEXTS = [0, 1, true, false, {}, [], ["text"], new Uint8Array(2), new String("text")];

const answering = (name, value) => new Records({ [name]: async () => value });

describe("a value is a text or nothing", () => {
  test("a text comes as it is", async () => {
    for (const value of ["", "{}"]) assert.equal(await answering("get", value).get("t/0"), value);
  });

  test("nothing is null, by either of its names", async () => {
    for (const value of [null, undefined]) {
      assert.equal(await answering("get", value).get("t/0"), null);
    }
  });

  test("all else is a store that failed", async () => {
    for (const value of NO_TEXTS) {
      await assert.rejects(answering("get", value).get("t/0"), UNAVAILABLE, String(value));
    }
  });
});

describe("a list has texts, and a cursor that is a text or null", () => {
  test("such a one comes as it is", async () => {
    for (const list of [
      { keys: [], cursor: null },
      { keys: ["t/0", "t/1"], cursor: "t/1" },
    ]) {
      assert.equal(await answering("list", list).list("t/", 2), list);
    }
  });

  test("all else is a store that failed", async () => {
    for (const list of [
      ...[undefined, null, [], "t/0", {}, { keys: [] }, { cursor: null }],
      ...[
        { keys: "t/0", cursor: null },
        { keys: ["t/0", 1], cursor: null },
      ],
      { keys: [], cursor: 1 },
    ]) {
      await assert.rejects(
        answering("list", list).list("t/", 2),
        UNAVAILABLE,
        JSON.stringify(list),
      );
    }
  });
});

describe("a value is replaced, or it is not", () => {
  test("a store that has the function is atomic", () => {
    assert.equal(answering("replace", true).isAtomic, true);
    assert.equal(answering("get", null).isAtomic, false);
  });

  test("what the store tells is what holds", async () => {
    for (const replaced of [true, false]) {
      assert.equal(await answering("replace", replaced).replace("t/0", "a", "b"), replaced);
    }
  });

  test("all else is a store that failed, and so is one without the function", async () => {
    for (const told of [undefined, null, 0, 1, "true", {}]) {
      await assert.rejects(answering("replace", told).replace("t/0", "a", "b"), UNAVAILABLE);
    }
    await assert.rejects(answering("get", null).replace("t/0", "a", "b"), UNAVAILABLE);
  });
});

test("a store that throws has failed, and what it threw is the cause", async () => {
  const cause = new Error("the back end is away");
  const throws = () => {
    throw cause;
  };
  const rejects = () => Promise.reject(cause);
  for (const fails of [throws, rejects]) {
    const records = new Records({ get: fails, put: fails, list: fails, replace: fails });
    for (const step of [
      () => records.get("t/0"),
      () => records.put("t/0", "a"),
      () => records.list("t/", 2),
      () => records.replace("t/0", "a", "b"),
    ]) {
      await assert.rejects(step, { ...UNAVAILABLE, cause });
    }
  }
});
