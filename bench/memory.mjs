// The memory of a gate that meets a million distinct tokens, all of them good.

import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { Failure, say } from "../scripts/lib/run.mjs";
import { makeRecord, makeToken, seconds } from "../tests/support/tokens.mjs";
import { startWorkerd } from "../tests/support/workerd.mjs";
import { freePort } from "../tests/support/gate.mjs";
import { bundle } from "./bundle.mjs";
import { heapOf } from "./inspector.mjs";
import { bearer, makeRequest } from "./requests.mjs";
import { standIns } from "./stage.mjs";
import { WORKERS } from "./workers.mjs";

const TOKENS = 1_000_000;
const QUICK_TOKENS = 100_000;
const STEPS = 10;

const CONNECTIONS = 8;
/** Requests that a connection has under way. */
const PIPELINE = 32;

const PROBE = new URL("memory-probe.js", import.meta.url);

/** Measures: points `{tokens, wasm, heap, resident}`, in bytes, from before the first to after the last. */
export async function measureMemory({ quick }) {
  const { bindings, durableObjects } = WORKERS.gatepass;
  const gate = { name: "gatepass", modules: await bundle(PROBE), bindings, durableObjects };
  const inspector = await freePort();
  const workerd = await startWorkerd({
    workers: [gate, ...standIns(["gatepass"])],
    sockets: { gatepass: "gatepass", kv: "kv" },
    flags: [`--inspector-addr=127.0.0.1:${inspector}`],
  });
  try {
    const example = makeToken({ hint: "ada0" });
    const all = makeRecord(example, { sc: ["jobs:read"], x: seconds(86_400) });
    const put = { "w/default": '{"v":1,"rev":1,"creation":true,"authentication":true}' };
    const kv = `http://127.0.0.1:${workerd.ports.kv}/`;
    await fetch(kv, { method: "POST", body: JSON.stringify({ put, all }) });

    const step = (quick ? QUICK_TOKENS : TOKENS) / STEPS;
    const points = [];
    for (let tokens = 0; ; tokens += step) {
      points.push({ tokens, ...(await memoryOf(workerd, inspector)) });
      say(`Memory after ${tokens.toLocaleString("en")} distinct tokens: ${told(points.at(-1))}`);
      if (points.length > STEPS) return points;
      const each = step / CONNECTIONS;
      await Promise.all(
        Array.from({ length: CONNECTIONS }, () => askWithTokens(workerd.port, each)),
      );
    }
  } finally {
    await workerd.stop();
  }
}

async function memoryOf({ pid, port }, inspector) {
  const probe = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/bench/wasm-memory`);
    if (!answer.ok) throw new Error(`the gate of the memory measurement: ${await answer.text()}`);
    return Number(await answer.text());
  };
  const heap = await heapOf(inspector, "gatepass", probe);
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const resident = Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;
  return { wasm: await probe(), heap, resident };
}

function told({ wasm, heap, resident }) {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return (
    `${megabytes(wasm)} in WebAssembly, ${megabytes(heap)} in JavaScript; the process, with ` +
    `uncollected garbage of all its isolates, ${megabytes(resident)}`
  );
}

/** Asks so many times over one connection, each time with a new token; each must be let in. */
function askWithTokens(port, count) {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  let sent = 0;
  let answered = 0;
  let rest = "";
  const send = (some) => {
    const texts = [];
    for (; some > 0 && sent < count; some--, sent++) {
      texts.push(makeRequest(bearer(makeToken({ hint: "ada0" }))).text);
    }
    if (texts.length > 0) socket.write(texts.join(""));
  };
  return new Promise((done, fail) => {
    socket.on("error", fail);
    socket.on("close", () => fail(new Failure("The gate closed the connection.")));
    socket.on("data", (text) => {
      const parts = (rest + text).split("HTTP/1.1 ");
      const refused = parts.slice(1).find((part) => part.length > 3 && !part.startsWith("200"));
      if (refused) fail(new Failure(`The gate refused a good token: ${refused.slice(0, 500)}`));
      const complete = parts.length - 1;
      // What may be the start of the next status line, cut in two.
      rest = (rest + text).slice(-8);
      answered += complete;
      if (answered === count) {
        socket.removeAllListeners("close").end();
        done();
      }
      send(complete);
    });
    send(PIPELINE);
  });
}
