// Stores of other runtimes: `inside/` is what runs there.

import { ensureProgram } from "../support/packages.mjs";
import { startIn } from "../support/runtimes.mjs";

/** Stands for a store that is served at a URL under a name. */
export async function remoteStore(url, name = "store") {
  const call = async (method, ...values) => {
    // What is left out at the end of a call must not become null.
    const given = values.filter((value) => value !== undefined);
    const body = JSON.stringify({ name, method, values: given });
    const response = await fetch(url, { method: "POST", body });
    const { answer, error } = await response.json();
    if (error !== undefined) throw new Error(error);
    return answer;
  };
  const methods = await call();
  return Object.fromEntries(methods.map((method) => [method, call.bind(null, method)]));
}

/** How to open the stores of a module in `bun` or `deno`, and what to say to the suite about it. */
export async function storesIn(runtime, module) {
  const program = await ensureProgram(runtime);
  async function open() {
    const { url, stop } = await startIn(runtime, program, new URL(module, import.meta.url));
    const names = ["store", "other", "failing"];
    const [store, other, broken] = await Promise.all(names.map((name) => remoteStore(url, name)));
    return { store, other, failing: { store: broken, secrets: [] }, close: stop };
  }
  return [open, { in: runtime, skip: !program && `there is no ${runtime} here` }];
}
