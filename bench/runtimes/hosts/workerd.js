import { answer } from "../program.js";

/** The clock stands still but for I/O. */
async function clock() {
  await scheduler.wait(0);
  return performance.now();
}

export default { fetch: (request) => answer(request, clock) };
