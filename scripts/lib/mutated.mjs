// Many mutants in one build: each stands in its function beside what it was made of, and the
// environment says which one runs.

/** The variable that holds the number of the mutant that runs. */
export const VARIABLE = "GATEPASS_MUTANT";

/** What the crate gets at its end. */
export const CHOICE = `
#[doc(hidden)]
pub fn mutant() -> usize {
    static MUTANT: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *MUTANT.get_or_init(|| {
        let chosen = std::env::var("${VARIABLE}");
        chosen.ok().and_then(|number| number.parse().ok()).unwrap_or(0)
    })
}
`;

/**
 * The text of a file with its mutants, and where each of them stands in it, by line.
 *
 * @param {string} text
 * @param {Mutant[]} mutants those of the file that stand in a function, each with its number
 * @typedef {{number: number, span: Span, replacement: string, function: {span: Span}}} Mutant
 *   as `cargo mutants --list --json` tells of them
 * @typedef {{start: Place, end: Place}} Span
 * @typedef {{line: number, column: number}} Place
 */
export function withMutants(text, mutants) {
  const places = placesIn(text);
  const startOf = (mutant) => places(mutant.function.span.start);
  const functions = [...new Set(mutants.map(startOf))].sort((one, other) => one - other);
  const lines = [];
  let mutated = "";
  let at = 0;
  for (const start of functions) {
    const own = mutants.filter((mutant) => startOf(mutant) === start);
    const end = places(own[0].function.span.end) - 1;
    const open = bodyOf(text, start) + 1;
    mutated += `${text.slice(at, start)}${movable(text.slice(start, open))} match crate::mutant() {\n`;
    for (const { number, span, replacement } of own) {
      const before = text.slice(open, places(span.start));
      const first = lineOf(mutated);
      mutated += `${number} => {${before}${replacement}${text.slice(places(span.end), end)}\n}\n`;
      lines.push({ number, first, last: lineOf(mutated) - 1 });
    }
    mutated += `_ => {${text.slice(open, end)}\n} }`;
    at = end;
  }
  return { text: mutated + text.slice(at), lines };
}

/** The text of a file with one mutant, and without what it was made of. */
export function changed(text, { span, replacement }) {
  const places = placesIn(text);
  return text.slice(0, places(span.start)) + replacement + text.slice(places(span.end));
}

/** Where a place of a text is, counted from its beginning. */
function placesIn(text) {
  const starts = [0];
  for (const line of text.split("\n")) starts.push(starts.at(-1) + line.length + 1);
  return ({ line, column }) => starts[line - 1] + column - 1;
}

/** The brace at which a function's body begins; attributes and comments before it may have some. */
function bodyOf(text, start) {
  const keyword = /^\s*(?:pub(?:\([^)]*\))? +)?(?:const +)?fn /m.exec(text.slice(start));
  return text.indexOf("{", start + keyword.index);
}

/** A function that reads the environment is not constant. */
const movable = (head) => head.replace(/^(\s*(?:pub(?:\([^)]*\))? +)?)const +fn /m, "$1fn ");

const lineOf = (text) => text.split("\n").length;
