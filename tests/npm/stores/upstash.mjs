// Stands in for Upstash: a Redis behind its REST API, as far as commands by POST go.

import { text } from "node:stream/consumers";
import { startServer } from "../../support/stand-ins.mjs";

/**
 * Answers commands by a client of Redis.
 *
 * @returns {Promise<{url: string, token: string, requests: object[], stop: Function}>} `requests`
 *   has the headers and commands that were sent
 */
export async function startUpstash(client) {
  const token = "AX-the-token-of-the-test=";
  const requests = [];
  const server = await startServer(async (request, response) => {
    const answer = (status, body) =>
      response
        .writeHead(status, {
          "content-type": "application/json",
          "upstash-sync-token": `sync-${requests.length}`,
        })
        .end(JSON.stringify(body));
    const command = JSON.parse(await text(request));
    requests.push({ headers: request.headers, command });
    if (request.method !== "POST" || request.url !== "/") return answer(404, {});
    if (request.headers.authorization !== `Bearer ${token}`) {
      return answer(401, { error: "WRONGPASS invalid or missing auth token" });
    }
    if (!Array.isArray(command)) return answer(400, { error: "ERR failed to parse command" });
    try {
      const result = await client.sendCommand(command.map(String));
      const inBase64 = request.headers["upstash-encoding"] === "base64";
      answer(200, { result: inBase64 ? encode(result) : result });
    } catch (error) {
      answer(400, { error: error.message });
    }
  });
  return { url: server.url, token, requests, stop: server.stop };
}

/** Texts in base64, but for `OK`. */
function encode(result) {
  if (Array.isArray(result)) return result.map(encode);
  if (typeof result !== "string" || result === "OK") return result;
  return Buffer.from(result).toString("base64");
}
