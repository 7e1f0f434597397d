// Looks into an isolate of workerd by V8's inspector.

import { setTimeout as sleep } from "node:timers/promises";

/**
 * The bytes of an isolate's JavaScript heap once its garbage is collected. It is collected when the
 * isolate runs: `wake` sends it a request.
 */
export async function heapOf(inspectorPort, worker, wake) {
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/${worker}`);
  await opened(socket);
  try {
    await call(socket, "HeapProfiler.enable");
    const collected = call(socket, "HeapProfiler.collectGarbage");
    let done = false;
    collected.finally(() => (done = true));
    while (!done) {
      await wake();
      await sleep(50);
    }
    await collected;
    return (await call(socket, "Runtime.getHeapUsage")).usedSize;
  } finally {
    socket.close();
  }
}

function call(socket, method) {
  return new Promise((done, fail) => {
    const onMessage = ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      if (id === undefined) return;
      socket.removeEventListener("message", onMessage);
      if (error) fail(new Error(`${method}: ${error.message}`));
      else done(result);
    };
    socket.addEventListener("message", onMessage);
    socket.send(JSON.stringify({ id: 1, method }));
  });
}

function opened(socket) {
  return new Promise((done, fail) => {
    socket.onopen = done;
    socket.onerror = () => fail(new Error("workerd's inspector does not answer"));
  });
}
