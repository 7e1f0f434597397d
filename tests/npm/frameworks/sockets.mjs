// A WebSocket client that sends what headers it likes: Node's own lets none be set.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rawRequest } from "../../support/raw.mjs";

/** Opens one; where it is refused, the answer. */
export async function openSocket(port, target, headers = {}) {
  const answer = await rawRequest({
    ...{ port, target },
    headers: [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Key", randomBytes(16).toString("base64")],
      ...Object.entries(headers),
    ],
  });
  const { socket } = answer;
  if (!socket) return answer;

  /** Sends a short text, and waits for the one that comes back (RFC 6455 §5.2). */
  async function ask(text) {
    const signal = AbortSignal.timeout(5_000);
    const [bytes, mask] = [Buffer.from(text), randomBytes(4)];
    const masked = bytes.map((byte, at) => byte ^ mask[at % 4]);
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length]), mask, masked]));
    socket.resume();
    let frame = Buffer.alloc(0);
    for (;;) {
      [frame] = (await once(socket, "data", { signal })).map((chunk) =>
        Buffer.concat([frame, chunk]),
      );
      const long = frame[1] === 126;
      const [begin, length] = long ? [4, frame.readUInt16BE(2)] : [2, frame[1]];
      if (frame.length >= begin + length) return frame.subarray(begin, begin + length).toString();
    }
  }

  return { ask, close: () => socket.destroy(), status: answer.status };
}
