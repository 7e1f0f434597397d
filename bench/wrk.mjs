// The load generator, installed where it is missing.

import { installDebianPackages } from "../scripts/lib/debian.mjs";
import { ask, Failure } from "../scripts/lib/run.mjs";

const isThere = () => ask("sh", ["-c", "command -v wrk"]) !== undefined;

/** Finds wrk or installs Debian's package. */
export async function ensureWrk() {
  if (isThere() || (await installDebianPackages(["wrk"], isThere))) return;
  throw new Failure(
    "The load generator wrk is missing. Please install it (on Debian, as root: apt-get install wrk).",
  );
}
