// What the tokens page works out by itself, without a browser.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { dayOf, inDays, relative, standing } from "../www/page/format.js";
import { Refusal, Unreachable } from "../www/page/gate.js";
import { asked, days, lifetimes, mayLiveForever } from "../www/page/tokens/lifetime.js";
import { recipes } from "../www/page/tokens/recipes.js";
import { choosable, inOneLine } from "../www/page/tokens/scopes.js";
import { inWords, isAboutOneOf, wrongWith } from "../www/page/words.js";

const DAY = 86_400_000;
const NOW = Date.parse("2026-11-22T12:00:00Z");
const at = (days) => new Date(NOW + days * DAY).toISOString();

const SETTINGS = {
  ...{ defaultLifetimeDays: 30, maxLifetimeDays: null, neverAllowed: true },
  scopes: [],
};
const ROUTES = [
  { path: "/public/*", methods: [], scopes: [], public: true },
  { path: "/api/*", methods: [], scopes: ["jobs:write"], public: false },
  { path: "/api/*", methods: ["GET"], scopes: ["jobs:read"], public: false },
  { path: "/odata/*", methods: [], scopes: ["odata"], public: false },
];
const WHO = { role: "user", routes: ROUTES, apps: [{ id: "jobs", name: "Jobs board" }] };

describe("how long a token may live", () => {
  it("is one of the usual numbers of days, and the workspace's own", () => {
    assert.deepEqual(lifetimes(SETTINGS), [7, 30, 60, 90]);
    assert.deepEqual(lifetimes({ ...SETTINGS, defaultLifetimeDays: 45 }), [7, 30, 45, 60, 90]);
  });

  it("is within the workspace's bound", () => {
    const bounded = { ...SETTINGS, defaultLifetimeDays: 14, maxLifetimeDays: 60 };
    assert.deepEqual(lifetimes(bounded), [7, 14, 30, 60]);
    assert.equal(mayLiveForever({ ...bounded, neverAllowed: false }), false);
    assert.equal(mayLiveForever(SETTINGS), true);
    assert.equal(mayLiveForever({ ...SETTINGS, neverAllowed: false }), false);
  });

  it("ends with the day that is named, which is within the bound", () => {
    assert.deepEqual(asked("30", "", SETTINGS), { expiresInDays: 30 });
    assert.deepEqual(asked("never", "", SETTINGS), { never: true });
    assert.equal(asked("date", "", SETTINGS), undefined);
    const bounded = { maxLifetimeDays: 60 };
    const day = dayOf(inDays(59));
    const { expiresAt } = asked("date", day, bounded);
    assert.match(expiresAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const rest = Date.parse(expiresAt) - Date.now();
    assert.ok(rest <= 60 * DAY && rest > 58 * DAY, String(rest / DAY));
    assert.deepEqual(asked("date", days(bounded).max, bounded), { expiresInDays: 60 });
  });
});

describe("a token's standing", () => {
  const token = (made, ends, more) => ({
    ...{ kind: "pat", state: "active", createdAt: at(made) },
    ...{ expiresAt: ends === null ? null : at(ends), ...more },
  });

  it("is its state, but for one that ends soon", () => {
    assert.equal(standing(token(-20, 10), NOW), "active");
    assert.equal(standing(token(-24, 6), NOW), "expiring");
    assert.equal(standing(token(-400, null), NOW), "active");
    assert.equal(standing(token(-24, 6, { state: "disabled" }), NOW), "disabled");
  });

  it("of a short-lived one is so in its second half, of an embed's never", () => {
    assert.equal(standing(token(-1, 6), NOW), "active");
    assert.equal(standing(token(-4, 3), NOW), "expiring");
    assert.equal(standing(token(0, 1, { kind: "embed" }), NOW), "active");
  });
});

describe("a time as seen from now", () => {
  it("is in days for months", () => {
    assert.equal(relative(at(89.9), NOW), "in 90 days");
    assert.equal(relative(at(-1.4), NOW), "1 day ago");
    assert.equal(relative(at(2 / 24), NOW), "in 2 hours");
    assert.equal(relative(at(0), NOW), "now");
    assert.equal(relative(at(800), NOW), "in 2 years");
  });
});

describe("the scopes to choose from", () => {
  const names = (settings, who) => choosable(settings, who).map(({ name }) => name);

  it("are those that routes ask for, reading first, where none are on offer", () => {
    assert.deepEqual(names(SETTINGS, WHO), ["jobs:read", "jobs:write", "odata", "tokens"]);
  });

  it("are those on offer, in their order; an admin has the others too", () => {
    const offer = { ...SETTINGS, scopes: [{ name: "odata", description: "Read all tables" }] };
    assert.deepEqual(choosable(offer, WHO), offer.scopes);
    const all = names(offer, { ...WHO, role: "admin" });
    assert.deepEqual(all, ["odata", "jobs:read", "jobs:write", "tokens"]);
  });

  it("are said in words where an admin has found some", () => {
    const offer = { ...SETTINGS, scopes: [{ name: "odata", description: "Read all tables" }] };
    const token = { kind: "pat", scopes: ["jobs:read", "odata"], apps: [] };
    assert.equal(inOneLine(token, offer, WHO), "jobs:read · Read all tables");
    assert.equal(
      inOneLine({ kind: "embed", scopes: [], apps: ["jobs"] }, offer, WHO),
      "Opens as an embed: Jobs board",
    );
  });
});

describe("what is said of a refusal", () => {
  const refusal = (problem) => new Refusal({ status: 400, ...problem });

  it("is about the field that is to blame, wherever in it the mistake is", () => {
    const error = refusal({ code: "invalid_field", field: "allowedIps[1]" });
    assert.match(wrongWith(error, "allowedIps"), /one a line/);
    assert.equal(wrongWith(error, "name"), undefined);
    assert.equal(isAboutOneOf(error, ["name", "allowedIps"]), true);
    assert.equal(isAboutOneOf(error, ["allowed"]), false);
    assert.equal(
      isAboutOneOf(refusal({ code: "invalid_field", field: "user.email" }), ["user"]),
      true,
    );
  });

  it("depends on the status where the code alone does not say it", () => {
    const [gone, other] = [404, 403].map((status) => refusal({ status, code: "token_unknown" }));
    assert.notEqual(inWords(gone), inWords(other));
  });

  it("is the gate's own where there is no other, and never an error's text", () => {
    assert.match(
      inWords(refusal({ code: "new_code", detail: "the moon is full" })),
      /moon.*new_code/,
    );
    assert.match(inWords(refusal({ status: 502 })), /502/);
    assert.match(inWords(new Unreachable()), /No answer/);
    assert.doesNotMatch(inWords(new TypeError("x is not a function")), /x is not/);
  });

  it("says when to try again", () => {
    assert.match(inWords(refusal({ code: "rate_limited", retryAfter: 1 })), /in 1 second\./);
    assert.match(inWords(refusal({ code: "rate_limited" })), /in 60 seconds\./);
  });
});

describe("the recipes", () => {
  globalThis.location = /** @type {any} */ ({ origin: "https://gate.example" });
  const [open, write, read, odata] = ROUTES;
  const who = { ...WHO, origin: "https://gate.example", routes: [open, read, write, odata] };
  const code = (who, name, step, scopes = ["jobs:read"]) => {
    const token = { token: `pat_${"a".repeat(36)}`, scopes };
    const recipe = recipes(token, who).find((recipe) => recipe.name === name);
    return recipe.steps[step].code;
  };

  it("are for a path that the token opens", () => {
    assert.match(code(who, "curl", 1), /"https:\/\/gate\.example\/api\/"$/);
    assert.match(code(who, "python", 0), /"https:\/\/gate\.example\/api\/"/);
  });

  it("are for none that another route is in front of", () => {
    assert.match(code(who, "curl", 1, ["jobs:write"]), /"https:\/\/gate\.example\/"$/);
    const all = { ...who, routes: [{ ...odata, path: "/*" }, read, odata] };
    assert.match(code(all, "curl", 1), /"https:\/\/gate\.example\/"$/);
    assert.equal(code(all, "powerBi", 0, ["odata"]), "https://gate.example/");
  });

  it("name each path once", () => {
    const { token, scopes } = { token: "pat_", scopes: ["jobs:read", "jobs:write"] };
    const [curl] = recipes({ token, scopes }, who);
    assert.match(curl.steps[1].text, / \/api\/\*:$/);
  });

  it("give Power BI the feed that the token opens, else the app's address", () => {
    assert.equal(code(who, "powerBi", 0), "https://gate.example/");
    const feed = code(who, "powerBi", 0, ["jobs:read", "odata"]);
    assert.equal(feed, "https://gate.example/odata/");
  });

  it("do not claim to know where the app is if it is elsewhere", () => {
    assert.match(
      code({ ...who, origin: null }, "curl", 1),
      /"https:\/\/your-app\.example\/api\/"$/,
    );
    assert.match(code({ ...who, origin: null }, "curl", 0), /"https:\/\/gate\.example\/gatepass\//);
  });

  it("are programs that parse", () => {
    execFileSync(process.execPath, ["--check", "--input-type=module"], {
      input: code(who, "javaScript", 0),
    });
  });
});
