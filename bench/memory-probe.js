// The gate as it is, and at one path how large its WebAssembly memory is.

import gate from "../src/worker/entry.js";
import * as glue from "../build/gatepass.js";

export { Directory, Ledger } from "../src/worker/entry.js";

export default {
  async fetch(request, env) {
    const answer = await gate.fetch(request, env);
    if (!request.url.endsWith("/bench/wasm-memory")) return answer;
    return new Response(String(glue.initSync().memory.buffer.byteLength));
  },
};
