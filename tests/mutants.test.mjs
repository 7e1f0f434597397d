// How mutants are put into one build.

import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, withMutants } from "../scripts/lib/mutated.mjs";

const TEXT = `/// Whether { it } is so: é.
pub const fn is(a: u8) -> bool {
    a > 1 && a < 9
}
const MOST: u8 = 4 + 5;
fn other() {}
`;

/** As cargo-mutants tells of it: places are from 1 on, and a span ends before its last one. */
const span = (line, from, to) => ({
  start: { line, column: from },
  end: { line, column: to },
});
const IS = { span: { start: { line: 1, column: 1 }, end: { line: 4, column: 2 } } };
const GREATER = { number: 7, function: IS, span: span(3, 7, 8), replacement: "<" };
const BOTH = { number: 8, function: IS, span: span(3, 11, 13), replacement: "||" };

test("a mutant stands in its function beside what it was made of", () => {
  const { text, lines } = withMutants(TEXT, [GREATER, BOTH]);
  assert.equal(
    text,
    `/// Whether { it } is so: é.
pub fn is(a: u8) -> bool { match crate::mutant() {
7 => {
    a < 1 && a < 9

}
8 => {
    a > 1 || a < 9

}
_ => {
    a > 1 && a < 9

} }}
const MOST: u8 = 4 + 5;
fn other() {}
`,
  );
  assert.deepEqual(lines, [
    { number: 7, first: 3, last: 6 },
    { number: 8, first: 7, last: 10 },
  ]);
});

test("a mutant outside of functions is made alone", () => {
  const mutant = { span: span(5, 20, 21), replacement: "-" };
  assert.equal(changed(TEXT, mutant), TEXT.replace("4 + 5", "4 - 5"));
});
