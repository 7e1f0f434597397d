// Calling wrangler: under the Node.js it needs, without prompts, telemetry or look-ups of its own.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { command, findNode, nodeEnvironment } from "./packages.mjs";
import { inRoot } from "./paths.mjs";
import { run } from "./run.mjs";

// wrangler also keeps a trace of each request, whole URLs included, in the folder of state, and lets
// a page look at it: an embed token in a URL would stay on the disk.
const QUIET = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  DO_NOT_TRACK: "1",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_WRITE_LOGS: "false",
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
};

const cli = () => command("wrangler", "wrangler-dist/cli.js");

/** How to start `wrangler dev`: `{program, args, env}`. State and registry are this instance's own. */
export function devCommand({ port, state, profile }) {
  const secrets = inRoot(".dev.vars");
  return {
    program: findNode(),
    args: [
      `--import=${inRoot("scripts", "lib", "end-with-parent.mjs")}`,
      "--no-warnings",
      cli(),
      "dev",
      ...["--config", inRoot("wrangler.toml")],
      ...["--config", inRoot("examples", "upstream", "wrangler.toml")],
      ...["--config", inRoot("examples", "board", "wrangler.toml")],
      ...["--env", ""],
      ...(existsSync(secrets) ? ["--env-file", secrets] : []),
      ...["--port", String(port), "--inspector-port", "0"],
      ...["--persist-to", state, "--local", "--show-interactive-dev-session=false"],
    ],
    env: {
      ...process.env,
      ...nodeEnvironment(),
      ...QUIET,
      GATEPASS_PROFILE: profile,
      WRANGLER_REGISTRY_PATH: join(state, "registry"),
    },
  };
}

/** Bundles what a deployment would upload, and uploads nothing. */
export async function deployDryRun() {
  const args = ["--no-warnings", cli(), "deploy", "--dry-run", "--env", "production"];
  await run(findNode(), args, { env: { ...nodeEnvironment(), ...QUIET } });
}
