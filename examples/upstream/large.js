import { json, methodNotAllowed, problem, wholeNumber } from "./answers.js";

// A chunk is this long, so that few of them make little garbage.
const MB = 1024 * 1024;

/** GET streams `?mb=` megabytes of zeros; POST and PUT count what they get. */
export async function large(request, url) {
  switch (request.method) {
    case "GET":
    case "HEAD":
      return download(url.searchParams.get("mb"));
    case "POST":
    case "PUT":
      return upload(request.body);
    default:
      return methodNotAllowed("GET, HEAD, POST, PUT");
  }
}

function download(text) {
  const mb = wholeNumber(text, { fallback: 1, min: 0, max: 1024 });
  if (mb === undefined) {
    return problem(400, "mb must be a whole number from 0 to 1024");
  }
  const { readable, writable } = new FixedLengthStream(mb * MB);
  write(writable, mb).catch(() => {}); // the client went away
  return new Response(readable, {
    headers: { "Content-Type": "application/octet-stream" },
  });
}

async function write(writable, chunks) {
  const writer = writable.getWriter();
  const chunk = new Uint8Array(MB);
  for (let i = 0; i < chunks; i++) await writer.write(chunk);
  await writer.close();
}

async function upload(body) {
  let bytes = 0;
  if (body === null) return json({ bytes });
  const reader = body.getReader({ mode: "byob" });
  let buffer = new Uint8Array(MB);
  for (;;) {
    const { value, done } = await reader.readAtLeast(MB, buffer);
    if (done) return json({ bytes });
    bytes += value.length;
    buffer = new Uint8Array(value.buffer);
  }
}
