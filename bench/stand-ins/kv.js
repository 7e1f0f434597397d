// KV, in memory: what workerd's `kvNamespace` binding asks, and by POST what the benchmark does.

const values = new Map();
/** What every token has for a record that has none of its own. */
let common;
let reads = 0;
let writes = 0;

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const key = decodeURIComponent(pathname.slice(1));
    switch (request.method) {
      case "GET": {
        reads++;
        const value = values.get(key) ?? (key.startsWith("t/") ? common : undefined);
        return new Response(value, { status: value === undefined ? 404 : 200 });
      }
      case "PUT":
        writes++;
        values.set(key, await request.text());
        return new Response();
      case "DELETE":
        writes++;
        values.delete(key);
        return new Response();
      default:
        return control(request);
    }
  },
};

/** Takes `put` and `all`, the common record, in, and answers what `get` names and how often was read and written. */
async function control(request) {
  const { put = {}, all = common, get = [] } = await request.json();
  common = all;
  for (const [key, value] of Object.entries(put)) values.set(key, value);
  return Response.json({ reads, writes, values: get.map((key) => values.get(key) ?? null) });
}
