import { PROMISES } from "./promises.mjs";
import { storesIn } from "./remote.mjs";
import { holdToPromises } from "./suite.mjs";

holdToPromises(PROMISES["deno-kv"], ...(await storesIn("deno", "inside/deno-kv.js")));
