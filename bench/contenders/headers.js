// What the gate does around its check, by its own code: the names of all headers read, the same
// headers set, the answer made private. A gate whose check were free would cost this.

import { pack, serialised } from "../../src/shell/facts.js";
import { forward } from "../../src/worker/upstream.js";

const gate = { relevance: () => 0 };

const SET = {
  ...{ "x-forwarded-host": "localhost", "x-forwarded-proto": "http" },
  ...{ "x-forwarded-for": "192.0.2.17", "gatepass-user": "ada", "gatepass-workspace": "default" },
  ...{
    "gatepass-token-id": "ada0-01KB0000000000000000000000",
    "gatepass-scopes": "jobs:read odata",
  },
};

const VERDICT = {
  ...{ service: "UPSTREAM", isPrivate: true, hideReferrer: false },
  ...{ remove: ["authorization", "x-forwarded-proto"], set: Object.entries(SET).flat() },
};

export default {
  fetch(request, env) {
    const facts = pack(request, gate);
    return forward(request, { ...VERDICT, url: serialised(request.url) }, facts, gate, env);
  },
};
