// The headers of an answer in a place, as the core's rules want them.

/** The answer with its headers confined to the place. */
export function withHeaders(response, place, gate) {
  const changes = gate.confine(place, pack(response.headers, gate.answerHeaders));
  const { status, webSocket } = response;
  const answer = webSocket
    ? new Response(null, { status, webSocket, headers: response.headers })
    : new Response(response.body, response);
  for (const name of changes.remove) answer.headers.delete(name);
  for (const [name, value] of changes.append) answer.headers.append(name, value);
  return answer;
}

/** A line for each header, with the values of those that the core reads. */
function pack(headers, read) {
  let lines = "";
  for (const [name, value] of headers) {
    lines += read.has(name) ? `\n${name}:${value}` : `\n${name}:`;
  }
  return lines;
}
