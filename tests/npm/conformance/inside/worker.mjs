// In workerd.

import { answer } from "./conformance.mjs";

export default {
  fetch: async (request) => Response.json(await answer(await request.json())),
};
