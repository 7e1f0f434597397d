// Lets stores of this runtime be called over HTTP; `remote.mjs` is the other end.

/** Answers requests by calling one of these stores, by name. */
export const serve = (stores) => async (request) => {
  const { name, method, values } = await request.json();
  const store = stores[name];
  if (method === undefined) return Response.json({ answer: Object.keys(store) });
  try {
    return Response.json({ answer: (await store[method](...values)) ?? null });
  } catch (error) {
    return Response.json({ error: `${error.stack ?? error}` });
  }
};
