// What the tokens page says: each catalogue in www/page/texts/ has all of it, and the page uses all
// of it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";

const PAGE = new URL("../www/page/", import.meta.url);
const read = (url) => readFileSync(url, "utf8");

/** What the files in a folder of the page export, by the languages that they are named after. */
const catalogues = Object.fromEntries(
  await Promise.all(
    readdirSync(new URL("texts/", PAGE)).map(async (file) => {
      const language = file.replace(/\.js$/, "");
      return [language, (await import(new URL(`texts/${file}`, PAGE)))[language]];
    }),
  ),
);
const { en } = catalogues;

/** The forms of an entry; a text that has none is its only one. */
const formsOf = (entry) => (typeof entry === "string" ? { text: entry } : entry);
const placeholdersOf = (text) => [...new Set(text.match(/\{\w+\}/g))].toSorted();

/** The forms that a language chooses from for whole numbers; some have one for millions alone. */
function formsFor(language) {
  const plurals = new Intl.PluralRules(language);
  const numbers = [...Array(1_000).keys(), 1_000_000];
  return [...new Set(numbers.map((number) => plurals.select(number)))].toSorted();
}

for (const [language, catalogue] of Object.entries(catalogues)) {
  describe(`the catalogue of ${language}`, () => {
    test("has the English one's keys, in its order", () => {
      assert.deepEqual(Object.keys(catalogue), Object.keys(en));
    });

    test("has no empty text", () => {
      for (const [key, entry] of Object.entries(catalogue)) {
        for (const text of Object.values(formsOf(entry))) assert.notEqual(text.trim(), "", key);
      }
    });

    test("has each form that the language has for whole numbers, where the English one has forms", () => {
      for (const [key, entry] of Object.entries(catalogue)) {
        assert.equal(typeof entry, typeof en[key], key);
        if (typeof entry === "string") continue;
        assert.deepEqual(Object.keys(entry).toSorted(), formsFor(language), key);
      }
    });

    test("has the English placeholders in each text, and in each of its forms", () => {
      for (const [key, entry] of Object.entries(catalogue)) {
        const expected = placeholdersOf(formsOf(en[key]).other ?? en[key]);
        for (const text of Object.values(formsOf(entry))) {
          assert.deepEqual(placeholdersOf(text), expected, key);
        }
      }
    });
  });
}

describe("the page", () => {
  const sources = readdirSync(PAGE, { recursive: true })
    .filter((file) => /\.jsx?$/.test(file) && !file.startsWith("texts/"))
    .map((file) => read(new URL(file, PAGE)).replace(/\/\*.*?\*\//gs, ""));
  const found = (pattern) => sources.flatMap((source) => [...source.matchAll(pattern)]);

  // The texts in the first argument of `t`, but not what is compared with one.
  const literal = found(/\bt\(((?:[^(),]|\([^()]*\))*)/g)
    .flatMap(([, argument]) => [...argument.matchAll(/(=== )?"([^"]+)"/g)])
    .filter(([, compared]) => !compared)
    .map(([, , key]) => key);

  // Keys that are made of parts, such as `state.${state}.means`.
  const computed = found(/`([a-z]\w*\.(?:[\w.]|\$\{[^}]+\})+)`/gi).map(([, template]) =>
    template.replaceAll(".", "\\.").replace(/\$\{[^}]+\}/g, "(.+?)"),
  );

  // What the parts can be: names in the page's sources, and what docs/api.md says that the gate
  // answers: statuses, codes, fields, actions, actors.
  const answers = read(new URL("../docs/api.md", import.meta.url));
  const parts = new Set([
    ...found(/"([\w.]+)"/g).map(([, name]) => name),
    ...found(/^ +(\w+): /gm).map(([, name]) => name),
    ...[...answers.matchAll(/`([\w.]+)`|\b(\d{3})\b/g)].map(([, name, status]) => name ?? status),
  ]);
  const canBeComputed = (key) =>
    computed.some((pattern) => {
      const match = new RegExp(`^${pattern}$`).exec(key);
      return match?.slice(1).every((part) => parts.has(part));
    });

  test("has a text for each key that it names", () => {
    assert.ok(literal.length > 200, `${literal.length} keys were found`);
    assert.deepEqual(
      literal.filter((key) => !Object.hasOwn(en, key)),
      [],
    );
  });

  test("uses each text", () => {
    const used = new Set(literal);
    const unused = Object.keys(en).filter((key) => !used.has(key) && !canBeComputed(key));
    assert.deepEqual(unused, []);
  });
});

test("a language that is no language tag is passed over", async () => {
  const languages = ["en-US@posix", "de-AT"];
  Object.defineProperty(globalThis, "navigator", { value: { languages }, configurable: true });
  const { language } = await import(new URL("texts.js", PAGE));
  assert.equal(language, "de-AT");
});
