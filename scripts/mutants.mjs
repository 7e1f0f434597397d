// Changes the core, one small thing at a time, and looks whether a test notices. cargo-mutants finds
// what to change; all mutants are in one build. What came of them is kept in tests/mutants.json.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { changed, CHOICE, VARIABLE, withMutants } from "./lib/mutated.mjs";
import { ensureMutants, VERSION } from "./lib/mutants.mjs";
import { inRoot } from "./lib/paths.mjs";
import { asScript, ask, Failure, say, seconds } from "./lib/run.mjs";

const KEPT = inRoot("tests", "mutants.json");

/** A copy of the checkout, and what is built of it. */
const TREE = inRoot("target", "mutants", "tree");
const TARGET = inRoot("target", "mutants", "build");

/** Where a mistake would open the gate by itself. */
const DEFAULT = ["credentials", "policy", "session", "token"].map((name) => `src/${name}.rs`);

const HELP = `Usage: npm run mutants -- [FILE …]

Makes mutants of the core's files, runs the native tests against each, and fails if one survives.
Without a FILE: ${DEFAULT.join(", ")}.
What came of it is kept in tests/mutants.json.

  --jobs N   as many at once; 2 if nothing is said
  --help     this text

All mutants are compiled at once, in a minute or two; each then takes less than a second.`;

/** Tests that take seconds, and that no mutant has needed. */
const SLOW = ["promises::", "another_token_opens_as_many"];

/** Milliseconds within which tests that take less than a second are through. */
const TIMEOUT = 60_000;

/** Kilobytes that a mutant without end may take. */
const MEMORY = 4_000_000;

/** The same tests each time; where a few cases notice a mutant, so do many. */
const ENV = {
  CARGO_TARGET_DIR: TARGET,
  PROPTEST_CASES: "32",
  PROPTEST_RNG_SEED: "1",
  PROPTEST_DISABLE_FAILURE_PERSISTENCE: "1",
};

/** Tries the mutants of files: what came of each, in the order in which they stand there. */
async function tryMutants(files, jobs) {
  const mutants = listed(await ensureMutants(), files);
  say(`${mutants.length} mutants`);
  copyTree();
  const { programs } = await built(mutants.filter(isMovable));
  say("The tests without a mutant");
  if ((await outcomeOf(programs, 0)) !== "missed")
    throw new Failure("The tests fail by themselves.");
  const waiting = mutants.filter((mutant) => !mutant.outcome && isMovable(mutant));
  let done = 0;
  const work = async () => {
    for (let mutant; (mutant = waiting.shift());) {
      mutant.outcome = await outcomeOf(programs, mutant.number);
      if (mutant.outcome === "missed") say(`missed: ${mutant.name}`);
      done += 1;
      if (done % 50 === 0) say(`${done} done`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  for (const mutant of mutants.filter(({ outcome }) => !outcome)) await tryAlone(mutant);
  return mutants;
}

/** The mutants that cargo-mutants makes of files, numbered from 1. */
function listed(program, files) {
  const named = files.flatMap((file) => ["--file", file]);
  const json = ask(program, ["mutants", "--list", "--json", ...named]);
  if (!json) throw new Failure("cargo-mutants lists nothing.");
  return JSON.parse(json).map((mutant, at) => ({ ...mutant, number: at + 1 }));
}

/** Whether a mutant can stand beside what it was made of: not a constant, nor of a type of its own. */
const isMovable = (mutant) =>
  mutant.function && !mutant.function.return_type.includes("impl ") && !mutant.isConstant;

/** Compiles all mutants that can be compiled. */
async function built(mutants) {
  for (let left = mutants; ; left = left.filter((mutant) => !mutant.outcome && isMovable(mutant))) {
    const lines = placeMutants(left);
    say(`Compiling ${left.length} of them`);
    const { errors, programs } = await compile();
    if (errors.length === 0) return { programs };
    for (const error of errors) blame(error, left, lines);
  }
}

/** Finds out which mutants an error is about. */
function blame({ message, spans }, mutants, lines) {
  const [, name] =
    /cannot call non-const (?:associated )?(?:function|method) `(?:.*::)?(\w+)`/.exec(message) ??
    [];
  const constant = mutants.filter(
    ({ function: { function_name: own } }) => own.split("::").at(-1) === name,
  );
  for (const mutant of constant) mutant.isConstant = true;
  const isAt = ({ file, first, last }) =>
    spans.some(
      (span) => span.file_name === file && span.line_start >= first && span.line_start <= last,
    );
  const wrong = new Set(lines.filter(isAt).map(({ number }) => number));
  for (const mutant of mutants) if (wrong.has(mutant.number)) mutant.outcome = "unviable";
  if (constant.length === 0 && wrong.size === 0) throw new Failure(message);
}

/** Writes mutants into the tree; answers where each is. */
function placeMutants(mutants) {
  const lines = [];
  for (const file of new Set(mutants.map(({ file }) => file))) {
    const own = mutants.filter((mutant) => mutant.file === file);
    const mutated = withMutants(readFileSync(inRoot(file), "utf8"), own);
    writeTree(file, mutated.text);
    lines.push(...mutated.lines.map((line) => ({ ...line, file })));
  }
  writeTree("src/lib.rs", readFileSync(inRoot("src/lib.rs"), "utf8") + CHOICE);
  return lines;
}

/** Compiles the tests: the programs, those of the crate first, or what is wrong. */
async function compile() {
  const what = ["--lib", "--test", "*", "--message-format", "json"];
  const args = ["test", "--locked", "--no-run", "--profile", "mutants", "--package", "gatepass"];
  const { output } = await ran("cargo", [...args, ...what], { timeout: 3_600_000 });
  const messages = output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  const errors = messages
    .filter(({ reason, message }) => reason === "compiler-message" && message.level === "error")
    .map(({ message }) => message)
    .filter(({ spans }) => spans.length > 0);
  const tests = messages.filter(
    ({ reason, executable }) => reason === "compiler-artifact" && executable,
  );
  const isCrate = ({ target }) => target.name === "gatepass";
  const programs = [...tests.filter(isCrate), ...tests.filter((test) => !isCrate(test))];
  if (errors.length === 0 && programs.length < 2) throw new Failure(output);
  return { errors, programs: programs.map(({ executable }) => executable) };
}

/** What the tests make of a mutant; of number 0, of none. */
async function outcomeOf(programs, number) {
  for (const program of programs) {
    const args = SLOW.flatMap((name) => ["--skip", name]);
    const { code } = await ran(program, args, {
      env: { [VARIABLE]: String(number) },
      timeout: TIMEOUT,
    });
    if (code === undefined) return "timeout";
    if (code !== 0) return "caught";
  }
  return "missed";
}

/** A mutant that needs a build of its own. */
async function tryAlone(mutant) {
  placeMutants([]);
  const text = readFileSync(inRoot(mutant.file), "utf8");
  writeTree(mutant.file, changed(text, mutant));
  const { errors, programs } = await compile();
  mutant.outcome = errors.length > 0 ? "unviable" : await outcomeOf(programs, 0);
  writeTree(mutant.file, text);
  if (mutant.outcome === "missed") say(`missed: ${mutant.name}`);
}

/** Runs a program in the tree; `code` is undefined where it took too long. */
function ran(program, args, { env = {}, timeout }) {
  return new Promise((done) => {
    const command = `ulimit -v ${program === "cargo" ? "unlimited" : MEMORY}; exec "$0" "$@"`;
    const child = spawn("sh", ["-c", command, program, ...args], {
      cwd: TREE,
      env: { ...process.env, ...ENV, ...env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    let isLate = false;
    child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    const timer = setTimeout(() => child.kill("SIGKILL", (isLate = true)), timeout);
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ output, code: isLate ? undefined : (code ?? -1) });
    });
  });
}

/** Copies what git knows, and what it may come to know. */
function copyTree() {
  const files = ask("git", ["ls-files", "--cached", "--others", "--exclude-standard"]);
  if (!files) throw new Failure("git does not tell which files there are.");
  for (const file of files.split("\n").filter((file) => existsSync(inRoot(file)))) {
    mkdirSync(dirname(join(TREE, file)), { recursive: true });
    writeTree(file, readFileSync(inRoot(file)));
  }
}

/** Writes a file of the tree if it differs, so that cargo builds no more than it must. */
function writeTree(file, bytes) {
  const path = join(TREE, file);
  if (existsSync(path) && readFileSync(path).equals(Buffer.from(bytes))) return;
  writeFileSync(path, bytes);
}

/** Puts results beside those of other files. */
function keep(mutants, files) {
  const date = new Date().toISOString().slice(0, 10);
  const kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, "utf8")).files : {};
  for (const file of files) {
    const own = mutants.filter((mutant) => mutant.file === file);
    const ends = (outcome) => own.filter((mutant) => mutant.outcome === outcome);
    const [caught, unviable, timeout] = ["caught", "unviable", "timeout"].map(
      (end) => ends(end).length,
    );
    const missed = ends("missed").map(({ name }) => name.slice(file.length + 1));
    kept[file] = { date, caught, unviable, timeout, missed };
  }
  const sorted = Object.fromEntries(Object.entries(kept).sort());
  const all = { command: "npm run mutants", mutants: `cargo-mutants ${VERSION}`, files: sorted };
  writeFileSync(KEPT, `${JSON.stringify(all, null, 2)}\n`);
}

function readArguments() {
  const options = { jobs: { type: "string", default: "2" }, help: { type: "boolean" } };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new Failure(`${error.message.split(". ")[0]}.\n\n${HELP}`);
  }
}

await asScript(async () => {
  const { values, positionals } = readArguments();
  if (values.help) return console.log(HELP);
  const files = positionals.length > 0 ? positionals : DEFAULT;
  for (const file of files) {
    if (!existsSync(inRoot(file))) throw new Failure(`There is no file ${file}.`);
  }
  const mutants = await tryMutants(files, Number(values.jobs));
  keep(mutants, files);
  const named = (end) => mutants.filter(({ outcome }) => outcome === end).map(({ name }) => name);
  const ends = ["caught", "unviable", "timeout", "missed"];
  console.table(Object.fromEntries(ends.map((end) => [end, named(end).length])));
  const missed = named("missed");
  if (missed.length > 0) throw new Failure(`No test notices these:\n${missed.join("\n")}`);
  say(`All are noticed, in ${seconds()}`);
});
