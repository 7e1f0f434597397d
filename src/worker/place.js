// The upstream's answer in a place, as the core's rules want it.

import { packHeaders } from "./pack.js";

/** The answer with its headers, and where places are paths its HTML, confined to the place. */
export function confined(response, { place, rewrites }, gate) {
  const changes = gate.confine(place, packHeaders(response.headers, gate.answerHeaders));
  const { status, webSocket } = response;
  const answer = webSocket
    ? new Response(null, { status, webSocket, headers: response.headers })
    : new Response(response.body, response);
  for (const name of changes.remove) answer.headers.delete(name);
  for (const [name, value] of changes.append) answer.headers.append(name, value);
  return rewrites && isWholeHtml(answer) ? rewritten(answer, place, gate) : answer;
}

function isWholeHtml({ status, body, headers }) {
  const type = headers.get("content-type") ?? "";
  return body !== null && status !== 206 && /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type);
}

function rewritten(answer, place, gate) {
  const rewriter = new HTMLRewriter();
  for (const attribute of gate.urlAttributes) {
    const element = (element) => {
      const old = element.getAttribute(attribute);
      const value = old.includes("/") ? gate.rewrite(place, attribute, old) : undefined;
      if (value !== undefined) element.setAttribute(attribute, value);
    };
    rewriter.on(selectorOf(attribute), { element });
  }
  // The bytes are others than those that these tell of.
  for (const name of ["accept-ranges", "content-length", "etag"]) answer.headers.delete(name);
  return rewriter.transform(answer);
}

function selectorOf(attribute) {
  if (attribute === "content") return 'meta[http-equiv="refresh" i]';
  return `[${attribute.replace(":", "\\:")}]`;
}
