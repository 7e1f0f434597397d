// A Worker with a gate of the package over the KV namespace of Gatepass's own Worker. What it is posted
// names a function and holds what that is called with; the answer is what came of it.

import { createGate, openSession, sealSession } from "gatepass";
import { cloudflareKvStore } from "gatepass/stores/cloudflare-kv";

let gate;

const FUNCTIONS = {
  create: (fields) => gate.tokens.create(fields),
  revoke: (id) => gate.tokens.revoke(id),
  async enter(request) {
    const { status, headers } = await gate.enter(request);
    return { status, cookie: headers.get("set-cookie") };
  },
  openSession,
  sealSession,
  async check(request) {
    const { identity, response } = await gate.check(request);
    return response ? { status: response.status, text: await response.text() } : { identity };
  },
};

export default {
  async fetch(asked, { RECORDS, OPTIONS }) {
    gate ??= createGate({ ...OPTIONS, store: cloudflareKvStore(RECORDS) });
    const [[name, given]] = Object.entries(await asked.json());
    return Response.json(await FUNCTIONS[name](given, OPTIONS.sessionKeys));
  },
};
