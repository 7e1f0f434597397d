// The store in a namespace of Workers KV.

import { cloudflareKvStore } from "../../../../npm/src/stores/cloudflare-kv.ts";
import { serve } from "./serve.js";

export default {
  fetch: (request, env) => serve({ store: cloudflareKvStore(env.RECORDS) })(request),
};
