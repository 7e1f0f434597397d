// Who takes part, and with which requests.

const REFUSED = ["wrong", "expired", "missing"];

const limit = (name, title, more) => ({
  ...{ name, title, kind: "limit", worker: name, limit: "bare", ...more },
});

const gatepass = (name, title, more) => ({
  ...{ name, title: `Gatepass: ${title}`, kind: "gatepass", worker: "gatepass" },
  ...{ identity: "gatepass-user", limit: "bare", ...more },
});

const peer = (name, title, more) => ({
  ...{ name, title, kind: "peer", worker: name },
  ...{ identity: "x-user", limit: "bare", refuses: REFUSED, ...more },
});

const refusal = (sends) => ({ sends, status: 401, refuses: [sends], limit: "empty" });

/**
 * @typedef {object} Contender
 * @property {string} name on the command line and in results.json
 * @property {string} title in the table and the chart
 * @property {"limit" | "gatepass" | "peer"} kind
 * @property {string} worker the one of workers.mjs that answers
 * @property {string} [sends] which of that Worker's requests; `good` if not said
 * @property {number} [status] what it answers to them, 200 if not said
 * @property {string[]} [refuses] which of that Worker's requests it must answer with 401
 * @property {string} [identity] the header by which the upstream learns of the user
 * @property {string} limit the contender that it is compared with: what does the least of its kind
 * @property {boolean} [readsKv] whether it is a peer that reads KV for each request
 */

/** @type {Contender[]} */
export const CONTENDERS = [
  limit("bare", "Bare pass-through"),
  limit("headers", "The same headers set, no check", { identity: "gatepass-user" }),
  limit("empty", "Empty JavaScript Worker, 401", refusal("garbage")),
  limit("empty-rust", "Empty Rust Worker, 401", refusal("garbage")),
  gatepass("pat", "PAT, warm", { refuses: REFUSED }),
  gatepass("pat-kv", "PAT, from KV each time", { sends: "many" }),
  gatepass("garbage", "garbage token", refusal("garbage")),
  gatepass("unknown", "unknown token", refusal("wrong")),
  gatepass("embed", "embed session", {
    ...{ sends: "embed", refuses: ["embedWrong", "embedExpired", "embedMissing"] },
  }),
  gatepass("public", "public route", { sends: "public", identity: undefined }),
  peer("plain", "Plain JavaScript, from KV each time", { sends: "many" }),
  peer("hono", "Hono bearerAuth, from KV each time", { readsKv: true }),
  peer("oauth-provider", "Cloudflare's OAuth provider", { readsKv: true }),
  peer("jose-hs256", "jose, HS256"),
  peer("jose-es256", "jose, ES256"),
  peer("better-auth", "better-auth API keys", { readsKv: true }),
];
