// Some thousands of hostile targets and hosts: the path and the host that the gate has judged are those
// that the upstream gets, and no lenient reading of them falls under a stricter rule. The rules are
// applied once more here, from docs/configuration.md and not from the gate's source.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startRawGate } from "../support/gate.mjs";
import { generator } from "../support/random.mjs";
import { keepAlive, startByteUpstream, valuesOf } from "../support/wire.mjs";

const SEED = 20_261_123;
const TARGETS = 4_000;
const CONNECTIONS = 8;

const ROUTES = [
  { path: "/open/admin/*", scopes: ["admin"] },
  { path: "/open/*", public: true },
  { path: "/admin/*", scopes: ["admin"] },
  { path: "/api/v1/keys", scopes: ["keys"] },
  { path: "/api/*", methods: ["GET"], scopes: ["read"] },
  { path: "/api/*", scopes: ["write"] },
];
const WORKSPACES = ["default", { name: "globex", hosts: ["globex.test"] }];

const NAMES = ["open", "admin", "api", "v1", "keys", "x", "api/v1/keys"];
const SPELLINGS = [
  ...["Open", "ADMIN", "%61dmin", "adm%69n", "%6Feys", "api%20", "open-admin", "admin.", "~admin"],
  ...[
    "api/v1/%e2%84%aaeys",
    "%ef%bd%81dmin",
    "adm%c4%b1n",
    "adm%c4%b0n",
    "key%c5%bf",
    "%c5%bf",
    "caf%C3%A9",
    "%ff",
    "%80",
  ],
];
const DOTS = [
  ...["..", ".", "...", "%2e%2e", ".%2e", "%2E", "%252e%252e", "%25252e", "..;", "..;x=1", ".;"],
  ...[
    "%c0%ae%c0%ae",
    "%e0%80%ae.",
    "%u002e%u002e",
    "%uff0e",
    "%ef%bc%8e%ef%bc%8e",
    "..%20",
    "..%00",
  ],
];
const SEPARATORS = [
  ...["/", "//", "\\", "%2f", "%2F", "%5c", "%252f", "%255c", "%c0%af", "%e0%80%af", "%ef%bc%8f"],
  ...["%u002f", ";", ";x=1/", "%3b", "?", "%3f", "#", "%23", "/./", "/../", "%2f..%2f", "\\..\\"],
];
const ODD = [
  ...[
    "%00",
    "%0a",
    "%0d%0aX-A:b",
    "%09",
    "%20",
    "%",
    "%zz",
    "%2",
    "%25",
    "%2525",
    "+",
    "&a=b",
    "=",
    "@",
  ],
  ...[
    ":80",
    "'",
    "(1)",
    "*",
    "|",
    "^",
    "`",
    "{x}",
    "$",
    ",",
    "!",
    "%7f",
    "\t",
    "\xe9",
    "\x01",
    "\xc0\xae",
  ],
];
const FORMS = [
  "http://other.test/",
  "HTTP://other.test:81/",
  "http://u:p@other.test/",
  "https://a/",
  "*",
  "?",
  "",
  ".globex.test/",
  "@globex.test/",
];
const HOSTS = [
  ...[
    "globex.test",
    "GLOBEX.test",
    "globex.test.",
    "globex.test:81",
    "globex%2etest",
    "globex.test.:80",
  ],
  ...[
    "GATE.TEST",
    "gate.test.",
    "gate.test:81",
    "gate.test:",
    "xn--mnchen-3ya.test",
    "m\xc3\xbcnchen.test",
  ],
  ...[
    "u@gate.test",
    "globex.test@gate.test",
    "gate.test/open",
    "gate.test\\open",
    "gate.test?",
    "gate.test#",
  ],
  ...[
    "[::1]",
    "[::ffff:127.0.0.1]:81",
    "0x7f.1",
    "a%2fb",
    "*",
    "a,b",
    "a b",
    "a_b",
    "a..b",
    "-",
    ".",
    "a:x",
  ],
];

let gate;
let upstream;
const tokens = {};
before(async () => {
  upstream = await startByteUpstream();
  gate = await startRawGate({
    servers: { bytes: upstream.address },
    upstream: { server: "bytes" },
    vars: { ROUTES, WORKSPACES },
  });
  tokens.none = (await gate.createToken({ scopes: [] })).token;
  tokens.all = (await gate.createToken({ scopes: ["admin", "keys", "read", "write"] })).token;
});
after(() => Promise.all([gate?.stop(), upstream?.stop()]));

describe(`of ${TARGETS} targets and hosts (seed ${SEED})`, () => {
  const seen = [];
  before(async () => {
    const requests = generate(generator(SEED), TARGETS);
    const clients = Array.from({ length: CONNECTIONS }, () => keepAlive(gate.port));
    const work = clients.map(async (client) => {
      for (;;) {
        const request = requests.pop();
        if (!request) return client.end();
        seen.push(await judge(client, request));
      }
    });
    await Promise.all(work);
  });

  test("each is answered, and none by an error of the gate's", () => {
    assert.equal(seen.length, TARGETS);
    assertNone(({ status }) => status >= 500);
    assert.deepEqual(upstream.broken, []);
  });

  test("enough are let in by each rule, and enough refused, to mean something", () => {
    const counts = Map.groupBy(seen, ({ applied }) => applied);
    for (const rule of ["public", "any token", "admin", "keys", "read", "write", "refused"]) {
      assert.ok(counts.get(rule)?.length >= 20, `${rule}: ${counts.get(rule)?.length}`);
    }
  });

  test("the path that the upstream got is under the rule that was applied", () => {
    assertNone(({ got, applied, method }) => got && ruleOf(method, pathOf(got)) !== applied);
  });

  test("no lenient reading of it is under a stricter one", () => {
    assertNone(({ got, applied, method }) => {
      const readings = got ? readingsOf(pathOf(got)) : [];
      return readings.find((path) => isStricter(ruleOf(method, path), applied));
    });
  });

  test("the upstream got the target as it was sent, but for what the URL standard resolves", () => {
    assertNone(
      ({ got, target, host }) => got && plain(got.target) !== standardTarget(target, host),
    );
  });

  test("the upstream got the host that was judged, and it is a name", () => {
    assertNone(({ got }) => {
      if (!got) return false;
      const [host, forwarded] = ["host", "x-forwarded-host"].map((name) => valueOf(got, name));
      return host !== forwarded || !/^[a-z\d.:[\]_-]+$/.test(host);
    });
  });

  test("no host that may be read as another workspace's gets in by a token of this one", () => {
    assertNone(({ got }) => {
      if (!got || valueOf(got, "gatepass-workspace") === undefined) return false;
      const name = valueOf(got, "host").replace(/:\d+$/, "").replace(/\.$/, "");
      return name === "globex.test";
    });
    assert.ok(seen.some(({ code, host }) => code === "token_unknown" && host.startsWith("globex")));
  });

  /** Asserts that something is so of no request. */
  function assertNone(isSo) {
    const found = seen.flatMap((one) => {
      const how = isSo(one);
      return how ? [{ ...one, got: one.got?.target, how }] : [];
    });
    assert.deepEqual(found.slice(0, 10), [], `${found.length} in all`);
  }
});

/** What the gate does with a request: the rule that it applies, and what the upstream gets of it. */
async function judge(client, { method, target, host }) {
  const sent = (token) =>
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  const shown = { method, target, host };
  const first = await client.ask(sent(tokens.none));
  const code = first.body.match(/"code":"(\w+)"/)?.[1];
  if (code === "scope_insufficient") {
    const challenge = valueOf(first, "www-authenticate");
    const applied = challenge.match(/scope="(\w+)"/)[1];
    const { status, body } = await client.ask(sent(tokens.all));
    return { ...shown, status, code, applied, got: JSON.parse(body) };
  }
  if (first.status !== 200) return { ...shown, status: first.status, code, applied: "refused" };
  const got = JSON.parse(first.body);
  const applied = valueOf(got, "gatepass-user") === undefined ? "public" : "any token";
  return { ...shown, status: 200, applied, got };
}

function generate(random, count) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const piece = () => {
    const which = random();
    if (which < 0.5) return pick(NAMES);
    if (which < 0.65) return pick(SPELLINGS);
    if (which < 0.8) return pick(DOTS);
    return which < 0.95 ? pick(SEPARATORS) : pick(ODD);
  };
  return Array.from({ length: count }, () => {
    let target = random() < 0.95 ? "/" : pick(FORMS);
    const pieces = 1 + Math.floor(random() * 6);
    for (let i = 0; i < pieces; i++) target += piece() + (random() < 0.6 ? "/" : "");
    return {
      target,
      method: random() < 0.8 ? "GET" : "DELETE",
      host: random() < 0.85 ? "gate.test" : pick(HOSTS),
    };
  });
}

/** The rule for a path, as docs/configuration.md has it. */
function ruleOf(method, path) {
  const plain = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  const rule = ROUTES.find((rule) => {
    const isFor = !rule.methods || rule.methods.includes(method);
    const all = rule.path.endsWith("/*");
    const start = all ? rule.path.slice(0, -2) : rule.path;
    return isFor && (plain === start || (all && plain.startsWith(`${start}/`)));
  });
  if (!rule) return "any token";
  return rule.public ? "public" : rule.scopes[0];
}

/** Whether a rule asks for what another does not. */
function isStricter(rule, than) {
  if (rule === than || rule === "public") return false;
  return rule !== "any token" || than === "public";
}

const LENIENT = [
  (path) => inUtf8(unescapeBytes(Buffer.from(path).toString("latin1"))),
  (path) => path.replace(/%u00([\da-f]{2})/gi, "%$1"),
  // Over-long UTF-8.
  (path) => path.replace(/%c0%([89ab][\da-f])/gi, (_, digits) => overlong(digits)),
  (path) => path.replace(/%e0%80%([89ab][\da-f])/gi, (_, digits) => overlong(digits)),
  (path) => path.normalize("NFC"),
  (path) => path.replace(/\/{2,}/g, "/"),
  (path) => path.replaceAll("\\", "/"),
  (path) => path.replace(/;[^/]*/g, ""),
  (path) => path.replace(/[?#\0].*$/s, ""),
  (path) => path.toLowerCase(),
  // Letter by letter, as regular expressions and some languages compare.
  (path) => path.replace(/[\u{130}\u{131}]/gu, "i").replaceAll("\u{17f}", "s"),
  resolveDots,
];

/** Every reading that those servers might have, one after the other in any order. */
function readingsOf(path) {
  const found = new Set([path]);
  for (const reading of found) {
    if (found.size > 500) break;
    for (const read of LENIENT) found.add(read(reading));
  }
  return [...found];
}

const inUtf8 = (bytes) => Buffer.from(bytes, "latin1").toString();

function unescapeBytes(path) {
  return path.replace(/%([\da-f]{2})/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
}

function overlong(digits) {
  return String.fromCharCode(parseInt(digits, 16) & 0x3f);
}

function resolveDots(path) {
  const kept = [];
  for (const segment of path.split("/").slice(1)) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}

/**
 * The target that the URL standard makes of what was sent: Node's implementation of it is none of the
 * gate's. The runtime puts a target behind the host as it is, and of an absolute form what follows its
 * host (RFC 9112 §3.2.2).
 */
function standardTarget(target, host) {
  const { pathname, search } = new URL(`http://${host}${target.replace(/^https?:\/\/[^/]*/i, "")}`);
  return plain(pathname + search);
}

/** Without the question mark of an empty query. */
const plain = (target) => target.replace(/\?$/, "");
const pathOf = ({ target }) => target.split("?")[0];
const valueOf = (received, wanted) => valuesOf(received, wanted)[0];
