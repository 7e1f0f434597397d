// The upstream's answer in a place, as the core's rules want it.

import { withHeaders } from "../shell/confined.js";

/** The answer, where places are paths its HTML too, confined to the place. */
export function confined(response, { place, rewrites }, gate) {
  const answer = withHeaders(response, place, gate);
  return rewrites && isReadableHtml(answer) ? rewritten(answer, place, gate) : answer;
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
