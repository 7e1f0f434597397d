// Preloaded into wrangler: when the script that started it is gone, however it went, wrangler's
// process group ends too, so that no runtime is left behind on the port.
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  process.stdin.on("close", () => process.kill(-process.pid, "SIGKILL"));
  process.stdin.resume();
}
