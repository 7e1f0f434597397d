import { json, problem } from "./answers.js";

const KEPT = 64 * 1024;

/**
 * Answers the request as it arrived: method, URL, headers, and the first 64 KB
 * of the body as text. `?cache=` is the answer's `Cache-Control`.
 */
export async function echo(request, url) {
  const cache = url.searchParams.get("cache");
  if (cache !== null && !/^[\x20-\x7e]+$/.test(cache)) {
    return problem(400, "cache must be visible ASCII");
  }
  const { text, length } = await beginning(request.body ?? []);
  return json(
    {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: text,
      bodyBytes: length,
    },
    { headers: cache === null ? {} : { "Cache-Control": cache } },
  );
}

async function beginning(body) {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of body) {
    const room = Math.max(0, KEPT - length);
    text += decoder.decode(chunk.subarray(0, room), { stream: true });
    length += chunk.length;
  }
  return { text: text + decoder.decode(), length };
}
