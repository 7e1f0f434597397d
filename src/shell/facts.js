// The facts of a request for the core, as src/facts.rs reads them.

/** Method, URL and a line for each header that matters, as one string. */
export function pack(request, gate) {
  let packed = `${request.method}\n${serialised(request.url)}`;
  // A function that is called costs the runtimes less than an iterator, in Deno a tenth.
  request.headers.forEach((value, name) => {
    const relevance = gate.relevance(name);
    if (relevance > 0) packed += relevance > 1 ? `\n${name}:${value}` : `\n${name}:`;
  });
  return packed;
}

/** The URL as the URL standard serialises it; empty if it is none, which the core refuses. */
export function serialised(url) {
  if (SERIALISED.test(url)) return url;
  try {
    return new URL(url).href;
  } catch {
    return "";
  }
}

/** URLs that are surely serialised already: most, and a `URL` costs more than a look. */
const SERIALISED =
  /^https?:\/\/(?:[a-z\d](?:-?[a-z\d])*\.)*[a-z]+(?::[1-9]\d{3})?\/(?:[\w-][\w.-]*\/)*(?:[\w-][\w.-]*)?(?:\?[\w!$%&()*+,./:;=@~-]*)?$/;
