// What runs at GitHub: actions that nobody can exchange, with no more rights than they need.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { filesNamed } from "../../scripts/lib/files.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";

const WORKFLOWS = inRoot(".github", "workflows");

for (const file of readdirSync(WORKFLOWS)) {
  describe(file, () => {
    const text = readFileSync(`${WORKFLOWS}/${file}`, "utf8");
    const workflow = parse(text);
    const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

    test("names each action by its whole commit hash, and says which version that is", () => {
      const used = text.match(/\buses:.*/g);
      assert.equal(used.length, steps.filter((step) => step.uses).length);
      for (const line of used) assert.match(line, /^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    test("may read the repository, and no more unless a job says so", () => {
      assert.deepEqual(workflow.permissions, { contents: "read" });
    });

    test("leaves no credential behind in the checkout", () => {
      for (const step of steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
        assert.equal(step.with["persist-credentials"], false);
      }
    });

    test("lets nothing of the repository's, or of its packages', run where npm believes it", () => {
      for (const { permissions = {}, steps } of Object.values(workflow.jobs)) {
        if (permissions["id-token"] !== "write") continue;
        const commands = steps.filter(({ run }) => run).map(({ run }) => run);
        assert.deepEqual(commands, ["npm publish ./gatepass-*.tgz --provenance --access public"]);
        assert.ok(!steps.some(({ uses = "" }) => uses.startsWith("actions/checkout@")));
      }
    });

    test("runs no text of an event as a command", () => {
      for (const { run = "" } of steps) assert.doesNotMatch(run, /\$\{\{/);
    });

    test("is not started with a stranger's change and the repository's rights", () => {
      assert.ok(!("pull_request_target" in workflow.on) && !("workflow_run" in workflow.on));
    });
  });
}

test("Dependabot looks at every lock file", () => {
  const { updates } = parse(readFileSync(inRoot(".github", "dependabot.yml"), "utf8"));
  for (const [ecosystem, lock] of [
    ["cargo", "Cargo.lock"],
    ["npm", "package-lock.json"],
  ]) {
    const { directories } = updates.find((entry) => entry["package-ecosystem"] === ecosystem);
    const folders = filesNamed(lock).map((path) => dirname(`/${path}`));
    assert.deepEqual(directories.sort(), folders.sort());
  }
});
