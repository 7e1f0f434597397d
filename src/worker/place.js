// The upstream's answer in a place, as the core's rules want it.

/** The answer with its headers, and where places are paths its HTML, confined to the place. */
export function confined(response, { place, rewrites }, gate) {
  const changes = gate.confine(place, pack(response.headers, gate.answerHeaders));
  const { status, webSocket } = response;
  const answer = webSocket
    ? new Response(null, { status, webSocket, headers: response.headers })
    : new Response(response.body, response);
  for (const name of changes.remove) answer.headers.delete(name);
  for (const [name, value] of changes.append) answer.headers.append(name, value);
  return rewrites && isReadableHtml(answer) ? rewritten(answer, place, gate) : answer;
}

/** A line for each header, with the values of those that the core reads. */
function pack(headers, read) {
  let lines = "";
  for (const [name, value] of headers) {
    lines += read.has(name) ? `\n${name}:${value}` : `\n${name}:`;
  }
  return lines;
}

/** Whether it is a whole page, and not in an encoding that the runtime passes on as it is. */
function isReadableHtml({ status, body, headers }) {
  const type = headers.get("content-type") ?? "";
  const isHtml = /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type);
  const encoding = headers.get("content-encoding") ?? "identity";
  const isReadable = /^\s*(gzip|br|identity)\s*$/i.test(encoding);
  return body !== null && status !== 206 && isHtml && isReadable;
}

function rewritten(answer, place, gate) {
  const rewriter = new HTMLRewriter();
  for (const attribute of gate.urlAttributes) {
    const element = (element) => {
      const old = element.getAttribute(attribute);
      const value = old?.includes("/") ? gate.rewrite(place, attribute, old) : undefined;
      if (value !== undefined) element.setAttribute(attribute, value);
    };
    rewriter.on(selectorOf(attribute), { element });
  }
  let moved;
  try {
    moved = rewriter.transform(answer);
  } catch (error) {
    if (error instanceof TypeError) return answer; // a charset that the runtime does not know
    throw error;
  }
  // The bytes are others than those that these tell of.
  for (const name of ["accept-ranges", "content-length", "etag"]) moved.headers.delete(name);
  return moved;
}

function selectorOf(attribute) {
  if (attribute === "content") return 'meta[http-equiv="refresh" i]';
  return `[${attribute.replace(":", "\\:")}]`;
}
