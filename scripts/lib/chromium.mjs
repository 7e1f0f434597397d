// The browser that the browser tests drive: a Chromium of this machine.
import { installDebianPackages } from "./debian.mjs";
import { ask, Failure, say } from "./run.mjs";

const PROGRAMS = [
  "/usr/bin/chromium", // as Debian's package has it
  ...["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"],
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** What to do where there is no Chromium. */
export const CHROMIUM_ADVICE =
  "Please install Chromium or Chrome (on Debian, as root: apt-get install chromium), " +
  "or name its program in the environment variable CHROMIUM.";

/** The program to start, from the variable CHROMIUM or of this machine; undefined if there is none. */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (!named) return PROGRAMS.find(isChromium);
  if (isChromium(named)) return named;
  throw new Failure(`CHROMIUM names ${named}, which is no Chromium or Chrome that starts.`);
}

/** Finds it, or installs Debian's package where that can be done; undefined, and said, if not. */
export async function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  await installDebianPackages(["chromium"], () => findChromium() !== undefined);
  const installed = findChromium();
  if (!installed) say(`There is no browser for the browser tests. ${CHROMIUM_ADVICE}`);
  return installed;
}

const isChromium = (program) => /^(Chromium|Google Chrome) /m.test(ask(program, ["--version"]));
