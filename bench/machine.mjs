// What the benchmark ran on.

import { createRequire } from "node:module";
import { cpus, release, totalmem, type } from "node:os";

/** The machine and the versions, for the results. */
export function machine() {
  const require = createRequire(import.meta.url);
  const wrangler = createRequire(require.resolve("wrangler/package.json"));
  const { version } = wrangler("workerd/package.json");
  const [{ model }, ...others] = cpus();
  return {
    ...{ processor: model, processors: 1 + others.length },
    ...{
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${type()} ${release().split("-")[0]}`,
    },
    ...{ workerd: version, node: process.versions.node },
  };
}
