import { createGate } from "gatepass";
import { memoryStore } from "gatepass/stores/memory";

export const gate = createGate({
  store: memoryStore(), // for a try: tokens are gone when the server ends
  routes: [
    { path: "/try/token", methods: ["POST"], public: true },
    { path: "/hello", scopes: ["hello"] },
  ],
});
