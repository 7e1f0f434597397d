// What runs in each runtime: the contenders, told by HTTP what to do.

/** Each contender by its name; loaded when it is asked for. */
const CONTENDERS = {
  pat: async () => (await import("./contenders/gatepass.js")).pat(),
  embed: async () => (await import("./contenders/gatepass.js")).embed(),
  plain: async () => (await import("./contenders/hashed.js")).plain(),
  hono: async () => (await import("./contenders/hashed.js")).hono(),
  jose: async () => (await import("./contenders/jose.js")).jose(),
  "better-auth": async () => (await import("./contenders/better-auth.js")).apiKeys(),
};

/** So many requests are under way at once, as in a server. */
export const LANES = 16;

const made = {};

/**
 * Answers a request of the benchmark's. `clock` answers milliseconds; where a runtime's clock stands
 * still between I/O, after some.
 */
export async function answer(request, clock) {
  const { pathname, searchParams } = new URL(request.url);
  const name = searchParams.get("name");
  const count = Number(searchParams.get("count"));
  try {
    return Response.json(await ACTS[pathname](clock, name, count));
  } catch (error) {
    return Response.json({ error: `${error?.name}: ${error?.message}` }, { status: 500 });
  }
}

const ACTS = {
  "/first": first,
  "/verdicts": verdicts,
  "/checks": checks,
  "/calls": calls,
};

/** The first check, from nothing: milliseconds to load the package, to make a gate, to check. */
async function first(clock) {
  const times = [await clock()];
  const { makeGateAndRequest } = await import("./contenders/gatepass.js");
  times.push(await clock());
  const { gate, request } = await makeGateAndRequest();
  times.push(await clock());
  const { allowed } = await gate.check(request);
  times.push(await clock());
  if (!allowed) throw new Error("the first check refuses");
  const [load, make, check] = times.slice(1).map((time, at) => time - times[at]);
  return { load, make, check };
}

/** Whom a contender lets in, for each kind of credential. */
async function verdicts(_, name) {
  const { requests, check } = (made[name] ??= await CONTENDERS[name]());
  const found = {};
  for (const [kind, make] of Object.entries(requests)) found[kind] = await check(make());
  return found;
}

/** The milliseconds of so many checks; the requests are made before. */
async function checks(clock, name, count) {
  const { requests, check } = made[name];
  const asked = Array.from({ length: count }, requests.good);
  let allowed = 0;
  const lane = async () => {
    for (let request = asked.pop(); request; request = asked.pop()) {
      if ((await check(request)) === "ada") allowed++;
    }
  };
  const begun = await clock();
  await Promise.all(Array.from({ length: LANES }, lane));
  const milliseconds = (await clock()) - begun;
  if (allowed !== count) throw new Error(`${count - allowed} of ${count} were refused`);
  return { milliseconds };
}

/** The milliseconds of so many calls of a function of the package's. */
async function calls(clock, name, count) {
  const { parts } = await import("./contenders/gatepass.js");
  const part = (made.parts ??= await parts())[name];
  const begun = await clock();
  let right = true;
  for (let call = 0; call < count; call++) right = part() && right;
  const milliseconds = (await clock()) - begun;
  if (!right) throw new Error(`${name} answers something else`);
  return { milliseconds };
}
