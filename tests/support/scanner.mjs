// GitHub's secret scanning as a partner sees it: a list of keys, and reports that are signed by them.

import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { startServer } from "./stand-ins.mjs";

/** A key pair of the kind that GitHub signs with. */
export const newPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

/**
 * Starts it with one key, `k1`. `url` is where its keys are; `fault` is what answers there instead,
 * a listener of `node:http`.
 */
export async function startScanner() {
  const pair = newPair();
  const scanner = { fault: undefined };
  const server = await startServer((request, response) => {
    if (scanner.fault) return scanner.fault(request, response);
    const key = pair.publicKey.export({ type: "spki", format: "pem" });
    const keys = [{ key_identifier: "k1", key, is_current: true }];
    response.end(JSON.stringify({ public_keys: keys }));
  });

  /** Sends a list of tokens, or whatever body, to a gate; the rest is for faults. */
  async function report(gate, found, { body, by = pair, keyId = "k1", headers = {} } = {}) {
    const list = [found].flat().map((token) => ({
      ...{ token, type: "gatepass_pat", source: "content" },
      url: "https://github.com/octo/repository/blob/1/settings.py",
    }));
    const sent = body ?? JSON.stringify(list);
    const signature = sign("sha256", Buffer.from(sent), by.privateKey).toString("base64");
    const answer = await fetch(`${gate.url}/gatepass/leaks/github`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "github-public-key-identifier": keyId,
        "github-public-key-signature": signature,
        ...headers,
      },
      body: sent,
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text && JSON.parse(text) };
  }

  return Object.assign(scanner, { url: `${server.url}/keys`, report, stop: server.stop });
}

/** By what an answer to a report names a token. */
export const tokenHash = (token) => createHash("sha256").update(token).digest("base64");
