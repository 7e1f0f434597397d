import assert from "node:assert/strict";
import { test } from "node:test";
import { Remembered } from "../src/shell/remembered.js";

function counted(bounds) {
  const asked = [];
  const remembered = new Remembered(bounds, (text) => {
    asked.push(text);
    return text.length;
  });
  return { asked, remembered };
}

test("what was found is not asked for again, zero included", () => {
  const { asked, remembered } = counted({ most: 4, longest: 8 });
  for (const text of ["", "a", "", "a"]) assert.equal(remembered.get(text), text.length);
  assert.deepEqual(asked, ["", "a"]);
});

test("a long text is found each time, and not kept", () => {
  const { asked, remembered } = counted({ most: 4, longest: 8 });
  for (const text of ["12345678", "123456789", "12345678", "123456789"]) remembered.get(text);
  assert.deepEqual(asked, ["12345678", "123456789", "123456789"]);
});

test("however many come, no more than the bound are kept", () => {
  const { asked, remembered } = counted({ most: 4, longest: 8 });
  const texts = ["a", "b", "c", "d"];
  for (const text of [...texts, ...texts]) remembered.get(text);
  assert.equal(asked.length, 4);
  for (const text of ["e", "e", "a"]) remembered.get(text);
  assert.deepEqual(asked.slice(4), ["e", "a"]);
});
