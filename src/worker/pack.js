/** A line for each header, with the values of those that the core reads. */
export function packHeaders(headers, read) {
  let lines = "";
  for (const [name, value] of headers) {
    lines += read.has(name) ? `\n${name}:${value}` : `\n${name}:`;
  }
  return lines;
}
