import { problem } from "./answers.js";

/** A WebSocket that sends back each message, text as text, binary as binary. */
export function websocket(request) {
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    return problem(426, "this is a WebSocket", {
      Connection: "Upgrade",
      Upgrade: "websocket",
    });
  }
  const [client, server] = Object.values(new WebSocketPair());
  server.binaryType = "arraybuffer";
  server.accept();
  server.addEventListener("message", ({ data }) => server.send(data));
  return new Response(null, { status: 101, webSocket: client });
}
