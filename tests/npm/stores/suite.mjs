// What every store does, and what each does beyond that, by what it promises.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { inspect } from "node:util";

const VISIBLE = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i));

/** A beginning of keys that no other statement has. */
const fresh = () => `t/${randomBytes(8).toString("hex")}`;

const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/**
 * Holds a store to what it promises.
 *
 * @param {import("./promises.mjs").Promised} promised
 * @param {() => Promise<Opened>} open
 * @param {object} [options]
 * @param {string} [options.in] where it runs
 * @param {string} [options.skip] why it cannot be tried
 * @param {boolean} [options.cannotFail] whether it has no back end that could
 *
 * @typedef {object} Opened
 * @property {import("../../../npm/src/store.ts").Store} store
 * @property {import("../../../npm/src/store.ts").Store} [other] another process's
 * @property {{store: object, secrets: string[]}} [failing] one whose back end fails, and what its
 *   errors must not name; left out where nothing can fail
 * @property {() => Promise<void>} [close]
 */
export function holdToPromises(promised, open, { in: place, skip, cannotFail } = {}) {
  const title = place ? `${promised.store} in ${place}` : promised.store;
  describe(title, { concurrency: 20, skip }, () => {
    let opened;
    let store;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    after(() => opened?.close?.());
    describeValues(() => store);
    describeEnds(() => store, promised);
    describeLists(() => store);
    describeReplacing(() => store, promised);
    if (promised.readYourWrites) describeReading(() => opened);
    if (!cannotFail) describeFailing(() => opened.failing);
  });
}

function describeValues(store) {
  test("under a key that was never written is nothing", async () => {
    assert.equal(await store().get(fresh()), null);
  });

  test("a value comes back as it was", async () => {
    const values = ["{}", '"', `{"n":"Größe € 🙂 e\u0301 שלום","q":"\\"'\\\\\\n%_"}`, " \t\r\n"];
    for (const value of values) {
      const key = fresh();
      await store().put(key, value);
      assert.equal(await store().get(key), value);
    }
  });

  test("a value may have 8 kilobytes", async () => {
    const key = fresh();
    const value = JSON.stringify("aé🙂".repeat(1200));
    assert.ok(Buffer.byteLength(value) > 8192);
    await store().put(key, value);
    assert.equal(await store().get(key), value);
  });

  test("a key may have 128 characters of all that are visible", async () => {
    const key = (fresh() + VISIBLE.join("")).padEnd(128, "~");
    await store().put(key, "1");
    assert.equal(await store().get(key), "1");
    assert.deepEqual(await everything(store(), key.slice(0, -1), 10), [key]);
  });

  test("a later value takes the place of an earlier one", async () => {
    const key = fresh();
    await store().put(key, "1");
    await store().put(key, "2");
    assert.equal(await store().get(key), "2");
    assert.deepEqual(await everything(store(), key, 10), [key]);
  });
}

function describeEnds(store, { onTime }) {
  test("a value stays until its end", async () => {
    const key = fresh();
    await store().put(key, "1", inSeconds(3600));
    assert.equal(await store().get(key), "1");
    assert.deepEqual(await everything(store(), key, 10), [key]);
  });

  test("a value may be put whose end has passed", async () => {
    await store().put(fresh(), "1", inSeconds(-1));
    await store().put(fresh(), "1", 1);
  });

  if (!onTime) return;

  test("a value whose end has passed is neither answered, listed nor replaced", async () => {
    const key = fresh();
    const end = inSeconds(2);
    await store().put(`${key}/soon`, "1", end);
    await store().put(`${key}/past`, "1", inSeconds(-1));
    await store().put(`${key}/stays`, "1", inSeconds(3600));
    const value = await store().get(`${key}/soon`);
    if (Date.now() < end * 1000) assert.equal(value, "1");
    await setTimeout(end * 1000 - Date.now() + 20);
    for (const over of [`${key}/soon`, `${key}/past`]) {
      assert.equal(await store().get(over), null);
      assert.equal((await store().replace?.(over, "1", "2")) ?? false, false);
    }
    assert.deepEqual(await everything(store(), key, 10), [`${key}/stays`]);
    assert.deepEqual(await everything(store(), key, 1), [`${key}/stays`]);
  });

  test("a value that is put anew has the new end, or none", async () => {
    const key = fresh();
    await store().put(`${key}/later`, "1", inSeconds(1));
    await store().put(`${key}/later`, "2", inSeconds(3600));
    await store().put(`${key}/never`, "1", inSeconds(1));
    await store().put(`${key}/never`, "2");
    await setTimeout(1100);
    assert.deepEqual(await everything(store(), key, 10), [`${key}/later`, `${key}/never`]);
  });
}

function describeLists(store) {
  test("a list has the keys that begin with a prefix, in the order of their bytes", async () => {
    const base = fresh();
    const names = [...VISIBLE, "aB", "ab", "a/b", "Zz"];
    const keys = names.map((name) => `${base}/${name}`);
    const others = [base, `${base}.`, `${base}0`, `${base}.~`, base.slice(0, -1)];
    await putAll(store(), shuffled([...keys, ...others]));
    const found = await everything(store(), `${base}/`, 1000);
    assert.deepEqual(found, keys.toSorted(byBytes));
  });

  test("of a prefix that no key begins with there is nothing, and no more", async () => {
    assert.deepEqual(await store().list(fresh(), 10), { keys: [], cursor: null });
  });

  test("a list comes in parts of a size, each key once", async () => {
    const base = fresh();
    const keys = Array.from({ length: 25 }, (_, i) => `${base}/${String(i).padStart(2, "0")}`);
    await putAll(store(), shuffled(keys));
    for (const limit of [1, 7, 24, 25, 26]) {
      assert.deepEqual(await everything(store(), base, limit), keys);
    }
  });

  test("keys that are added in between make no other come twice or not at all", async () => {
    const base = fresh();
    const keys = Array.from({ length: 20 }, (_, i) => `${base}/${String(i).padStart(2, "0")}`);
    await putAll(store(), keys);
    let round = 0;
    const found = await everything(store(), base, 6, async () => {
      round += 1;
      await putAll(store(), [`${base}/00-${round}`, `${base}/05-${round}`, `${base}/zz-${round}`]);
    });
    assert.equal(new Set(found).size, found.length);
    assert.deepEqual(
      found.filter((key) => keys.includes(key)),
      keys,
    );
    assert.deepEqual(found, found.toSorted(byBytes));
  });

  test("no character of a prefix stands for another", async () => {
    const base = fresh();
    const prefixes = ["", ..."*?[]^-%_\\#.+$xX", "xx"].map((end) => `${base}${end}/`);
    await putAll(
      store(),
      prefixes.map((prefix) => `${prefix}1`),
    );
    for (const prefix of prefixes) {
      assert.deepEqual(await everything(store(), prefix, 10), [`${prefix}1`]);
    }
    assert.deepEqual(await everything(store(), `${base}[x]`, 10), []);
  });

  test("no cursor leads out of the prefix", async () => {
    const [before, base, behind] = [fresh(), fresh(), fresh()].sort();
    await putAll(store(), [
      `${before}/1`,
      `${before}/2`,
      `${base}/1`,
      `${behind}/1`,
      `${behind}/2`,
    ]);
    const cursors = ["t", before, `${base}/0`, "~", "\0", "é"];
    for (const other of [before, behind]) cursors.push((await store().list(other, 1)).cursor);
    for (const cursor of cursors) {
      const { keys } = await listOrRefuse(store(), base, cursor);
      assert.ok(keys.every((key) => key.startsWith(base)));
    }
  });
}

function describeReplacing(store, { atomic }) {
  if (!atomic) {
    test("there is no step that replaces a value", () => assert.ok(!("replace" in store())));
    return;
  }

  test("a value is replaced where it is the one that was expected", async () => {
    const key = fresh();
    await store().put(key, '{"n":"é"}');
    assert.equal(await store().replace(key, '{"n":"é"}', '{"n":"🙂"}'), true);
    assert.equal(await store().get(key), '{"n":"🙂"}');
    assert.deepEqual(await everything(store(), key, 10), [key]);
  });

  test("another value stays as it is", async () => {
    const key = fresh();
    await store().put(key, "1");
    for (const before of ["", "2", "1 ", "null"]) {
      assert.equal(await store().replace(key, before, "3"), false);
    }
    assert.equal(await store().get(key), "1");
  });

  test("where there is no value, none is made", async () => {
    const key = fresh();
    for (const before of ["", "1", "null"]) {
      assert.equal(await store().replace(key, before, "2"), false);
    }
    assert.equal(await store().get(key), null);
    assert.deepEqual(await store().list(key, 10), { keys: [], cursor: null });
  });

  test("the end of the value is the new one's", async () => {
    const key = fresh();
    await store().put(`${key}/never`, "1", inSeconds(3600));
    await store().put(`${key}/past`, "1");
    assert.equal(await store().replace(`${key}/never`, "1", "2"), true);
    assert.equal(await store().replace(`${key}/past`, "1", "2", inSeconds(-1)), true);
    assert.equal(await store().get(`${key}/never`), "2");
    assert.equal(await store().get(`${key}/past`), null);
  });

  test("of 50 that replace a value at once exactly one does", async () => {
    const key = fresh();
    await store().put(key, "before");
    const mine = Array.from({ length: 50 }, (_, i) => `after ${i}`);
    const done = await Promise.all(mine.map((after) => store().replace(key, "before", after)));
    const winners = mine.filter((_, i) => done[i]);
    assert.equal(winners.length, 1);
    assert.equal(await store().get(key), winners[0]);
  });

  test("of many steps none is lost", async () => {
    const key = fresh();
    await store().put(key, "0");
    const add = async () => {
      for (;;) {
        const before = await store().get(key);
        if (await store().replace(key, before, String(Number(before) + 1))) return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, add));
    assert.equal(await store().get(key), "8");
  });
}

function describeReading(opened) {
  test("what was written is read and listed at once", async () => {
    const { store, other } = opened();
    const key = fresh();
    for (let i = 0; i < 20; i++) {
      await store.put(key, String(i));
      await store.put(`${key}/${i}`, "1");
      for (const reader of other ? [store, other] : [store]) {
        assert.equal(await reader.get(key), String(i));
        assert.equal((await reader.list(key, 100)).keys.length, i + 2);
      }
    }
  });
}

function describeFailing(failing) {
  test("where the back end fails each call throws, and no error names a secret", async () => {
    const { store, secrets } = failing();
    const calls = {
      get: () => store.get("t/1"),
      put: () => store.put("t/1", "1"),
      list: () => store.list("t/", 10),
      replace: () => store.replace("t/1", "1", "2"),
    };
    if (!("replace" in store)) delete calls.replace;
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(
        async () => assert.fail(`${name} answered ${await call()}`),
        (error) => {
          assert.notEqual(error.code, "ERR_ASSERTION", error.message);
          const text = inspect(error, { depth: 10, showHidden: true });
          for (const secret of secrets) assert.ok(!text.includes(secret), `${name}: ${text}`);
          return true;
        },
      );
    }
  });
}

/** A store may refuse a cursor that it did not give. */
async function listOrRefuse(store, prefix, cursor) {
  try {
    return await store.list(prefix, 10, cursor);
  } catch {
    return { keys: [] };
  }
}

/** The keys of all parts, in their order; `between` is called after each part. */
async function everything(store, prefix, limit, between = () => {}) {
  const found = [];
  let cursor;
  do {
    const part = await store.list(prefix, limit, cursor);
    assert.ok(part.keys.length <= limit);
    assert.notEqual(part.cursor, cursor, "each part ends further on");
    found.push(...part.keys);
    cursor = part.cursor;
    await between();
  } while (cursor !== null);
  return found;
}

const putAll = (store, keys) => Promise.all(keys.map((key) => store.put(key, "1")));

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The same in an order that is none. */
const shuffled = (keys) => keys.toSorted((a, b) => order(a) - order(b));
const order = (key) => [...key].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 9973, 7);
