// Debian's packages, installed where this user may.
import { ask, run, say } from "./run.mjs";

/**
 * Installs packages, if need be with newer package lists. Answers whether `isReady` then says so;
 * false too where there is no apt-get or no right to use it.
 */
export async function installDebianPackages(packages, isReady) {
  const asRoot = superuser();
  if (!asRoot || !ask("apt-get", ["--version"])) return false;
  const [program, ...before] = [...asRoot, "apt-get"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = [...before, "install", "-y", "--no-install-recommends", ...packages];
  say(`Installing Debian's packages: ${packages.join(" ")}`);
  try {
    await run(program, install, { quiet: true, env });
    if (isReady()) return true;
  } catch {
    // The package lists may be missing or old.
  }
  try {
    say("Updating Debian's package lists");
    await run(program, [...before, "update"], { quiet: true, env });
    await run(program, install, { quiet: true, env });
  } catch (error) {
    say(error.message.trim());
  }
  return isReady();
}

function superuser() {
  if (process.getuid?.() === 0) return [];
  return ask("sudo", ["-n", "true"]) === undefined ? undefined : ["sudo", "-n"];
}
