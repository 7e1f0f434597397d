// Stores in Deno KV.

import { denoKvStore } from "../../../../npm/src/stores/deno-kv.ts";
import { serve } from "./serve.js";

const file = `${Deno.args.at(-1)}/gatepass.kv`;
const broken = await Deno.openKv(":memory:");
broken.close();
const stores = {
  store: denoKvStore(await Deno.openKv(file)),
  other: denoKvStore(await Deno.openKv(file)),
  failing: denoKvStore(broken),
};
const onListen = ({ port }) => console.log(JSON.stringify({ port }));
Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, serve(stores));
