// Between the gate and its ledgers, to count the calls.

import { DurableObject } from "cloudflare:workers";

let calls = 0;

export class Counted extends DurableObject {
  fetch(request) {
    calls++;
    return this.env.LEDGER.getByName(this.ctx.id.name).fetch(request);
  }
}

export default {
  fetch: () => Response.json({ calls }),
};
