// Measures what is asked for, prints it, and after a whole run writes it down.

import { asScript, say } from "../scripts/lib/run.mjs";
import { runChecks } from "./checks.mjs";
import { CONTENDERS } from "./contenders.mjs";
import { growth } from "./growth.mjs";
import { measureInside } from "./inside.mjs";
import { machine } from "./machine.mjs";
import { measureMemory } from "./memory.mjs";
import { benchOptions, PARTS } from "./options.mjs";
import { print, publish } from "./report.mjs";
import { figures, runRounds } from "./rounds.mjs";
import { startStage } from "./stage.mjs";
import { measureStartup } from "./startup.mjs";
import { judge } from "./targets.mjs";

const MEASURE = {
  startup: (options) =>
    measureStartup([...new Set(CONTENDERS.map(({ worker }) => worker))], options),
  memory: measureMemory,
  inside: measureInside,
  growth,
};

await asScript(async () => {
  const { contenders, parts, rounds, seconds, quick, whole } = benchOptions();
  const report = { machine: machine(), rounds, seconds };
  for (const part of parts) {
    say(`Now: ${PARTS[part]}`);
    report[part] = await MEASURE[part]({ quick });
  }
  if (contenders.length > 0) Object.assign(report, await measure(contenders, { rounds, seconds }));
  report.targets = judge(report);
  print(report);
  if (whole) await publish(report);
});

/** The contenders under load: what was seen of them, each round's samples, and what comes of it. */
async function measure(contenders, { rounds, seconds }) {
  say("Starting workerd with all contenders");
  const stage = await startStage(contenders);
  try {
    const checks = await runChecks(stage, contenders);
    const samples = await runRounds(stage, contenders, { rounds, seconds });
    const measured = contenders.filter(({ name }) => samples[name]);
    const results = measured.map((contender) => ({
      ...{ name: contender.name, title: contender.title, kind: contender.kind },
      ...{ limit: contender.limit, ...figures(contender, samples), seen: checks[contender.name] },
    }));
    return { contenders: results, samples };
  } finally {
    await stage.stop();
  }
}
