// Gatepass, with ledgers that carry out SQL too: `PUT` with a statement and its values, as JSON.

import Gate, { Directory, Ledger as Shipped } from "../../src/worker/entry.js";

export default Gate;
export { Directory };

export class Ledger extends Shipped {
  async fetch(request) {
    if (request.method !== "PUT") return super.fetch(request);
    const [statement, ...values] = await request.json();
    this.ctx.storage.sql.exec(statement, ...values);
    return new Response();
  }
}
