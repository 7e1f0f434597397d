// Development's secrets: made once with random values, kept in .dev.vars, which is never committed.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseEnv } from "node:util";
import { inRoot } from "./lib/paths.mjs";
import { asScript, say } from "./lib/run.mjs";

export const file = inRoot(".dev.vars");

const SECRETS = {
  OPERATOR_KEY: () => randomBytes(32).toString("base64url"),
  SESSION_KEYS: () => `k1:${randomBytes(32).toString("base64")}`,
  ASSERTION_KEY: () => `'${JSON.stringify(signingKey())}'`,
};

function signingKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const kid = randomBytes(6).toString("hex");
  return { ...privateKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" };
}

/** Adds the secrets that neither the environment nor the file has; changes no line that is there. */
export function ensureSecrets() {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const known = { ...parseEnv(text), ...process.env };
  const missing = Object.keys(SECRETS).filter((name) => !known[name]);
  if (missing.length === 0) return;
  const lines = missing.map((name) => `${name}=${SECRETS[name]()}\n`).join("");
  const gap = text === "" || text.endsWith("\n") ? "" : "\n";
  appendFileSync(file, gap + lines, { mode: 0o600 });
  say(`Made ${missing.join(", ")} in .dev.vars`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await asScript(ensureSecrets);
