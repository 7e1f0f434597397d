// Limits of requests by src/worker/limits.js and usage.js: isolates that count by themselves, and
// an authority that they report to, with time and traffic as the test wants them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Failures, Limits, Requests } from "../src/worker/limits.js";
import { addUsage } from "../src/worker/usage.js";
import { generator } from "./support/random.mjs";
import { Sql } from "./support/sql.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const START = Date.UTC(2026, 10, 22, 10, 0, 7);
const NAME = "AbCd-01M7YQ1WE08Q4V2N6XJ0RYK3TD";

/** As many isolates as that, and what they report to. Times are in milliseconds. */
class World {
  now = START;
  passed = [];
  isAway = false;
  #reports = [];
  #sql = new Sql();

  constructor({ limit, seconds, isolates = 1, latency = 0 }) {
    const make = () => new Requests({ policy: "token" }, { limit, seconds });
    this.isolates = Array.from({ length: isolates }, make);
    Object.assign(this, { limit, seconds, latency });
  }

  /** A request at an isolate; answers what `count` does. */
  request(isolate = 0, name = NAME) {
    const counted = this.isolates[isolate].count(name, this.now);
    if (!counted.limited) this.passed.push(this.now);
    const due = this.now + this.latency;
    for (const report of counted.reports) this.#reports.push({ due, name, report });
    if (this.latency === 0) this.#deliver();
    return counted;
  }

  wait(ms) {
    this.now += ms;
    this.#deliver();
  }

  /** The authority gets a report after half of the latency; its answer is as old when it comes. */
  #deliver() {
    while (this.#reports[0]?.due <= this.now) {
      const { due, name, report } = this.#reports.shift();
      if (this.isAway) continue;
      const answer = addUsage(this.#sql, { name, ...report }, due - this.latency / 2);
      report.learn(answer, due);
    }
  }

  /** The most that passed within any time as long as that. */
  most(ms) {
    let [from, most] = [0, 0];
    for (const [at, time] of this.passed.entries()) {
      while (this.passed[from] <= time - ms) from++;
      most = Math.max(most, at - from + 1);
    }
    return most;
  }

  /** How many of so many requests pass. */
  burst(count, isolate) {
    let passed = 0;
    for (let i = 0; i < count; i++) if (!this.request(isolate).limited) passed++;
    return passed;
  }
}

/** What a header says: `{r, t}` or `{q, w}`, as numbers. */
const parameters = (field) =>
  Object.fromEntries([...field.matchAll(/;(\w)=(\d+)/g)].map(([, key, n]) => [key, Number(n)]));

describe("1,200 requests in 10 minutes", () => {
  const rule = { limit: 1200, seconds: 600 };

  test("pass, and not one more", () => {
    const world = new World(rule);
    assert.equal(world.burst(5_000), 1200);
  });

  test("pass when they are spread, and a tenth less for ever", () => {
    const world = new World(rule);
    for (let i = 0; i < 1200; i++) {
      assert.equal(world.request().limited, false, `request ${i + 1}`);
      world.wait(500);
    }
    const other = new World(rule);
    for (let i = 0; i < 4 * 1200; i++) {
      assert.equal(other.request().limited, false, `request ${i + 1}`);
      other.wait(556);
    }
  });

  test("pass again as they leave the window, in the order in which they came", () => {
    const world = new World(rule);
    world.burst(600);
    world.wait(5 * MINUTE);
    assert.equal(world.burst(1200), 600);
    world.wait(5 * MINUTE + SECOND);
    assert.equal(world.burst(1200), 600, "the first half has left");
    world.wait(5 * MINUTE + SECOND);
    assert.equal(world.burst(1200), 600, "the second half has left");
  });

  test("are told from a tenth that is left, with what there is and when there is more", () => {
    const world = new World(rule);
    for (let i = 1; i <= 1200; i++) {
      const { limited, headers } = world.request();
      assert.equal(limited, false);
      if (i < 1080) {
        assert.equal(headers, false, `after ${i}`);
        continue;
      }
      assert.equal(headers["ratelimit-policy"], '"token";q=1200;w=600');
      const { r, t } = parameters(headers.ratelimit);
      assert.equal(r, 1200 - i);
      assert.ok(t > 0 && t <= 600);
      assert.equal(headers["retry-after"], undefined);
      world.wait(10);
    }
    const { limited, headers } = world.request();
    assert.equal(limited, true);
    assert.equal(parameters(headers.ratelimit).r, 0);
    assert.equal(headers["retry-after"], "120", "in whole seconds, and no client waits for longer");
  });

  test("are counted for each name apart", () => {
    const world = new World(rule);
    assert.equal(world.burst(1300), 1200);
    assert.equal(world.request(0, "other").limited, false);
    assert.equal(world.request().limited, true);
  });
});

describe("who waits as it is told", () => {
  for (const latency of [0, 80]) {
    test(`gets in, whatever it did before, with ${latency} ms to the authority`, () => {
      const random = generator(7 + latency);
      for (let round = 0; round < 150; round++) {
        const limit = 1 + Math.floor(random() * 60);
        const world = new World({ limit, seconds: 20 + Math.floor(random() * 100), latency });
        for (let i = 0; i < 3 * limit; i++) {
          const { limited, headers } = world.request();
          if (limited) {
            const rest = Number(headers["retry-after"]);
            assert.equal(rest, parameters(headers.ratelimit).t);
            world.wait(rest * SECOND);
            const again = world.request();
            assert.equal(again.limited, false, `limit ${limit}, round ${round}, after ${rest} s`);
          }
          world.wait(random() < 0.5 ? 0 : Math.floor((random() * 2_000_000) / limit / 10));
        }
      }
    });
  }

  test("gets in after a silence of any length", () => {
    for (const seconds of [60, 61, 90, 3600]) {
      const world = new World({ limit: 40, seconds: 60 });
      assert.equal(world.burst(50), 40);
      world.wait(seconds * SECOND);
      assert.equal(world.burst(50), 40);
    }
  });
});

describe("several isolates", () => {
  /** What an isolate may let pass before it reports. */
  const part = (limit) => Math.ceil(limit / 20);

  // The window slides by twentieths, so it is up to one of them shorter.
  const shortest = (seconds) => seconds * SECOND * 0.95;

  test("learn of each other, and stay within the limit and a twentieth for each", () => {
    const world = new World({ limit: 1200, seconds: 600, isolates: 4 });
    let passed = 0;
    for (let isolate = 0; isolate < 4; isolate++) passed += world.burst(2000, isolate);
    assert.ok(passed >= 1200 && passed <= 1200 + 3 * 60, `${passed}`);
    assert.equal(world.burst(100, 0), 0);
  });

  const random = generator(20);
  for (const isolates of [1, 2, 3, 10, 50]) {
    test(`${isolates}: whatever the traffic, no window has more than the limit and a twentieth for each`, () => {
      for (let round = 0; round < 10; round++) {
        const limit = 1 + Math.floor(random() ** 2 * 1500);
        const seconds = 20 + Math.floor(random() * 600);
        const world = new World({ limit, seconds, isolates });
        const rate = limit * (0.5 + 4 * random()); // requests in a window
        for (let i = 0; i < Math.min(12 * limit, 4_000); i++) {
          world.request(Math.floor(random() ** 2 * isolates));
          const pause = random() < 0.01 ? random() * seconds * SECOND : 0;
          world.wait(Math.floor((random() * 2 * seconds * SECOND) / rate + pause));
        }
        const bound = limit + isolates * part(limit);
        const most = world.most(shortest(seconds));
        assert.ok(most <= bound, `${most} of ${limit} in ${seconds} s, by ${isolates}`);
      }
    });
  }

  test("far from the authority let pass as much more as comes until it answers", () => {
    const latency = 400;
    for (const isolates of [1, 2, 10]) {
      const limit = 600;
      const world = new World({ limit, seconds: 60, isolates, latency });
      const every = 5; // ms between two requests, at whatever isolate
      for (let i = 0; i < 40_000; i++) {
        world.request(i % isolates);
        world.wait(every);
      }
      const meanwhile = Math.ceil(latency / every);
      const most = world.most(shortest(60));
      assert.ok(most <= limit + isolates * part(limit) + meanwhile, `${most} by ${isolates}`);
      assert.ok(world.passed.length > limit, "and go on");
    }
  });

  test("know of each other's bursts when they were", () => {
    const world = new World({ limit: 1200, seconds: 600, isolates: 10 });
    for (let burst = 0; burst < 6; burst++) {
      for (let isolate = 0; isolate < 10; isolate++) assert.equal(world.burst(55, isolate), 55);
      world.wait(5 * MINUTE + 31 * SECOND);
    }
  });

  test("hinder nobody who stays a tenth below the limit", () => {
    for (const [isolates, latency] of [
      [1, 0],
      [3, 100],
      [10, 400],
    ]) {
      const world = new World({ limit: 400, seconds: 100, isolates, latency });
      for (let i = 0; i < 4_000; i++) {
        const { limited } = world.request(Math.floor(random() * isolates));
        assert.equal(limited, false, `request ${i + 1} of ${isolates}`);
        world.wait(278);
      }
    }
  });

  test("let nearly all of the limit pass where it is always exceeded", () => {
    for (const isolates of [1, 4]) {
      const world = new World({ limit: 200, seconds: 60, isolates });
      const minutes = 20;
      for (let i = 0; i < minutes * 60 * 20; i++) {
        world.request(i % isolates);
        world.wait(50);
      }
      const each = world.passed.length / minutes;
      assert.ok(each > 0.9 * 200 && each < 1.2 * 200, `${each} a minute by ${isolates}`);
    }
  });

  test("report after a twentieth of the limit or ten seconds, and what they count once", () => {
    const requests = new Requests({ policy: "token" }, { limit: 200, seconds: 60 });
    const reported = [];
    for (let i = 1; i <= 25; i++) {
      const { reports } = requests.count(NAME, START);
      for (const { count, window } of reports) reported.push([i, count, window]);
    }
    assert.deepEqual(reported, [
      [10, 10, 60],
      [20, 10, 60],
    ]);
    assert.deepEqual(requests.count(NAME, START + 9_999).reports, []);
    const [{ count, age }] = requests.count(NAME, START + 10_500).reports;
    assert.deepEqual({ count, age }, { count: 6, age: 501 });
  });
});

describe("an authority that is away", () => {
  test("opens nothing and blocks nobody: each isolate has the limit for itself", () => {
    const world = new World({ limit: 100, seconds: 60, isolates: 2 });
    world.isAway = true;
    for (let window = 0; window < 5; window++) {
      assert.equal(world.burst(500, 0), 100);
      assert.equal(world.burst(500, 1), 100);
      world.wait(30 * SECOND);
      assert.equal(world.burst(500, 0), 0);
      world.wait(30 * SECOND);
    }
  });

  test("and comes back is told, and counts for all again", () => {
    const world = new World({ limit: 100, seconds: 60, isolates: 2 });
    world.isAway = true;
    world.burst(100, 0);
    world.wait(60 * SECOND);
    world.isAway = false;
    assert.equal(world.burst(500, 0), 100);
    assert.equal(world.burst(500, 1), 5);
  });

  const JUNK = [{}, null, [], { count: 1 }, { count: 1, reset: 1 }];
  for (const junk of [...JUNK, { count: "1", reset: "1", leaves: "1" }]) {
    test(`and answers ${JSON.stringify(junk)} changes nothing`, () => {
      const requests = new Requests({ policy: "token" }, { limit: 3, seconds: 60 });
      for (let i = 0; i < 3; i++) {
        const { limited, reports } = requests.count(NAME, START);
        assert.equal(limited, false);
        assert.throws(() => reports[0].learn(junk, START));
      }
      assert.equal(requests.count(NAME, START).limited, true);
    });
  }

  test("and answers late does not forget what was reported meanwhile", () => {
    const requests = new Requests({ policy: "token" }, { limit: 20, seconds: 60 });
    const sql = new Sql();
    const reports = Array.from({ length: 15 }, () => requests.count(NAME, START).reports[0]);
    const answers = reports.map((report) => addUsage(sql, { name: NAME, ...report }, START));
    for (const i of reports.keys()) reports.at(-1 - i).learn(answers.at(-1 - i), START);
    let passed = 0;
    while (!requests.count(NAME, START).limited) passed++;
    assert.equal(passed, 5);
  });
});

describe("an authority", () => {
  const report = (fields) => ({ name: NAME, count: 1, age: 0, window: 100, ...fields });

  test("sums up what is reported in the window, and tells when the oldest leaves", () => {
    const sql = new Sql();
    const at = (seconds, fields) => addUsage(sql, report(fields), seconds * SECOND);
    assert.deepEqual(at(1000, { count: 3 }), { count: 3, reset: 100_000, leaves: 3 });
    assert.deepEqual(at(1004, { count: 4 }), { count: 7, reset: 96_000, leaves: 7 });
    assert.deepEqual(at(1005.5, { count: 2 }), { count: 9, reset: 94_500, leaves: 7 });
    assert.deepEqual(at(1099, { count: 0 }), { count: 9, reset: 1_000, leaves: 7 });
    assert.deepEqual(at(1100, { count: 0 }), { count: 2, reset: 5_000, leaves: 2 });
    assert.deepEqual(at(1105, { count: 0 }), { count: 0, reset: 100_000, leaves: 0 });
  });

  test("counts what is reported late at its time, and not if that is over", () => {
    const sql = new Sql();
    const at = (seconds, fields) => addUsage(sql, report(fields), seconds * SECOND);
    const late = at(1090, { count: 5, age: 80_000 });
    assert.deepEqual(late, { count: 5, reset: 20_000, leaves: 5 });
    assert.equal(at(1090, { count: 5, age: 96_000 }).count, 5);
    assert.equal(at(1110, { count: 0 }).count, 0);
  });

  test("keeps names apart, and at most twenty rows of each", () => {
    const sql = new Sql();
    for (let second = 0; second < 1000; second++) {
      addUsage(sql, report(), second * SECOND);
      addUsage(sql, report({ name: "other", count: 2 }), second * SECOND);
    }
    const { count } = addUsage(sql, report({ count: 0 }), 1000 * SECOND);
    assert.ok(count >= 95 && count <= 100, `${count}`);
    assert.ok(sql.exec("SELECT COUNT(*) AS rows FROM usage").one().rows <= 2 * 20);
  });

  test("writes nothing for who asks only", () => {
    const sql = new Sql();
    addUsage(sql, report({ count: 0 }), START);
    assert.equal(sql.exec("SELECT COUNT(*) AS rows FROM usage").one().rows, 0);
  });
});

describe("what the operator has limited", () => {
  const set = ["gatepass-token-id", NAME, "gatepass-workspace", "default"];
  const ctx = { waitUntil: (promise) => promise };
  const env = {}; // no authority
  const make = (rules) => new Limits({ failures: 5, ...rules });

  test("is nothing, unless it is said", () => {
    const limits = make({});
    for (let i = 0; i < 10_000; i++) {
      assert.deepEqual(limits.request(set, START, env, ctx), { limited: false });
    }
  });

  test("is a token's requests and a workspace's, and headers tell of both", () => {
    const rule = { limit: 3, seconds: 60 };
    const limits = make({ tokenRequests: rule, workspaceRequests: { limit: 4, seconds: 30 } });
    const ask = (token) => {
      const { limited, headers = {} } = limits.request(
        ...[["gatepass-token-id", token, "gatepass-workspace", "default"], START, env, ctx],
      );
      return [limited, headers["ratelimit-policy"], headers.ratelimit, headers["retry-after"]];
    };
    const [token, workspace] = ['"token";q=3;w=60', '"workspace";q=4;w=30'];
    assert.deepEqual(ask("a"), [false, undefined, undefined, undefined]);
    assert.deepEqual(ask("a"), [false, undefined, undefined, undefined]);
    const last = '"token";r=0;t=60';
    assert.deepEqual(ask("a"), [false, token, last, undefined]);
    assert.deepEqual(ask("a"), [true, token, last, "60"]);
    assert.deepEqual(ask("b"), [false, workspace, '"workspace";r=0;t=30', undefined]);
    assert.deepEqual(ask("c"), [true, workspace, '"workspace";r=0;t=30', "30"]);
  });

  test("near both, both are told", () => {
    const rule = { limit: 1, seconds: 60 };
    const limits = make({ tokenRequests: rule, workspaceRequests: rule });
    const { headers } = limits.request(set, START, env, ctx);
    assert.deepEqual(headers, {
      "ratelimit-policy": '"token";q=1;w=60, "workspace";q=1;w=60',
      ratelimit: '"token";r=0;t=60, "workspace";r=0;t=60',
    });
  });

  test("is not for who needs no token", () => {
    const limits = make({ tokenRequests: { limit: 1, seconds: 60 } });
    for (let i = 0; i < 5; i++) assert.equal(limits.request([], START, env, ctx).limited, false);
  });
});

describe("failures of an address", () => {
  test("beyond the limit are told, until a minute has passed", () => {
    const failures = new Failures(5);
    const over = (address, now) => Boolean(failures.count(address, now).headers);
    const first = Array.from({ length: 7 }, () => over("a", START));
    assert.deepEqual(first, [false, false, false, false, false, true, true]);
    assert.equal(over("b", START), false);
    const { headers } = failures.count("a", START + 45_500);
    assert.deepEqual(headers, {
      "ratelimit-policy": '"failures";q=5;w=60',
      ratelimit: '"failures";r=0;t=15',
      "retry-after": "15",
    });
    assert.equal(over("a", START + 59_999), true);
    assert.equal(over("a", START + 60_000), false);
  });

  test("are asked about elsewhere from the fifth on, and what is said there counts", () => {
    const failures = new Failures(100);
    const asks = Array.from({ length: 6 }, () => failures.count("a", START).ask);
    assert.deepEqual(asks, [false, false, false, false, true, true]);
    assert.equal(failures.count("a", START).headers, false);
    failures.exceeded("a");
    const { headers, ask } = failures.count("a", START);
    assert.ok(headers);
    assert.equal(ask, false);
    failures.exceeded("never seen");
  });

  test("of however many addresses take no more than so much memory", () => {
    const failures = new Failures(1);
    for (let i = 0; i < 50_000; i++) failures.count(`a${i}`, START);
    assert.equal(failures.count("a49999", START).headers !== false, true);
    assert.equal(failures.count("a0", START).headers, false, "forgotten");
  });
});
