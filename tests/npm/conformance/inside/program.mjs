// In Node, Bun and Deno: what is asked stands in the file of the first argument, the answer comes into
// that of the second.

import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";
import { answer } from "./conformance.mjs";

const [asked, told] = argv.slice(-2);
writeFileSync(told, JSON.stringify(await answer(JSON.parse(readFileSync(asked, "utf8")))));
