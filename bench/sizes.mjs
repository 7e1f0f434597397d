// What a deployment would upload of each Worker.

import { gzipSync } from "node:zlib";

const isWasm = ([name]) => name.endsWith(".wasm");

/** Bytes of all modules, raw and gzipped, and gzipped of the wasm alone. */
export function sizeOf(modules) {
  const entries = Object.entries(modules);
  const gzipped = (some) => sum(some.map(([, bytes]) => gzipSync(bytes, { level: 9 }).length));
  return {
    raw: sum(entries.map(([, bytes]) => bytes.length)),
    gzipped: gzipped(entries),
    wasmGzipped: gzipped(entries.filter(isWasm)),
  };
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
