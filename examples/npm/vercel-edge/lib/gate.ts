import { createGate } from "gatepass";
import { upstashStore } from "gatepass/stores/upstash";

export const gate = createGate({
  store: upstashStore({
    url: process.env.UPSTASH_REDIS_REST_URL!,
    token: process.env.UPSTASH_REDIS_REST_TOKEN!,
  }),
  routes: [{ path: "/api/hello", scopes: ["hello"] }],
});
