// What one writes by hand, without a library.

import { forward, refusal } from "./forward.js";
import { goodRecord } from "./records.js";

export default {
  async fetch(request, env) {
    const [, token] = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    const record = token && (await goodRecord(token, env));
    return record ? forward(request, record.uid, env) : refusal();
  },
};
