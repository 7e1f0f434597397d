// What worker-build would write around the wasm, at its least.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as glue from "./build/empty_rust_worker.js";
import wasm from "./build/empty_rust_worker_bg.wasm";

glue.initSync({ module: wasm });

export default class extends WorkerEntrypoint {
  fetch(request) {
    return glue.fetch(request, this.env, this.ctx);
  }
}
