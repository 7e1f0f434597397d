// The Redis that the tests of the package's stores talk to.
import { installDebianPackages } from "./debian.mjs";
import { ask, say } from "./run.mjs";

/** What to do where there is no Redis. */
export const REDIS_ADVICE =
  "Please install Redis 6.2 or later (on Debian, as root: apt-get install redis-server).";

/** Whether redis-server is there and starts. */
export const hasRedis = () => ask("redis-server", ["--version"]) !== undefined;

/** Installs Debian's package where Redis is missing and that can be done; says so if it cannot. */
export async function ensureRedis() {
  if (hasRedis() || (await installDebianPackages(["redis-server"], hasRedis))) return;
  say(`There is no Redis to test stores with. ${REDIS_ADVICE}`);
}
