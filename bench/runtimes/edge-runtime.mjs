// Runs a script in Vercel's edge-runtime, under Node.js, and prints its port.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { inRoot } from "../../scripts/lib/paths.mjs";

const require = createRequire(inRoot("tests", "npm", "package.json"));
const { EdgeRuntime, runServer } = require("edge-runtime");

const [script] = process.argv.slice(2);
const wasm = readFileSync(join(dirname(script), "gatepass.wasm"));
const runtime = new EdgeRuntime({
  initialCode: readFileSync(script, "utf8"),
  extend: (context) => Object.assign(context, { GATEPASS_WASM: new WebAssembly.Module(wasm) }),
});
const { url } = await runServer({ runtime, host: "127.0.0.1" });
console.log(new URL(url).port);
