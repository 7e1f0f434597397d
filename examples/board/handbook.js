const CHAPTERS = [
  ["Before you begin", "Look at the drawings, then at the place, then at the drawings again."],
  ["Who to tell", "The site office knows who works where. Tell it when you come and when you go."],
  ["Machines", "Nobody uses a machine that was not shown to them. Keys are kept in the office."],
  ["Weather", "No lifting above wind force six. No concrete below five degrees."],
  ["Neighbours", "Noise from seven to seven, not on Sundays. Sweep the road each evening."],
  [
    "When something goes wrong",
    "Stop, secure the place, call the office, write down what you saw.",
  ],
  ["At the end", "Photographs from the four corners, the key back, the job moved to Done."],
];

const TEXT = `SITE HANDBOOK

${CHAPTERS.map(([title, text], i) => `${i + 1}. ${title}\n   ${text}\n`).join("\n")}`;

const BYTES = new TextEncoder().encode(TEXT);

/** A text of which a part can be asked for: one range of RFC 9110, section 14. */
export function handbook(request) {
  const headers = {
    "Content-Type": "text/plain; charset=utf-8",
    "Accept-Ranges": "bytes",
    ETag: '"handbook-1"',
  };
  const range = rangeOf(request.headers.get("Range"));
  if (range === undefined) return new Response(BYTES, { headers });
  const { from, to } = range;
  if (from > to || from >= BYTES.length) {
    headers["Content-Range"] = `bytes */${BYTES.length}`;
    return new Response(null, { status: 416, headers });
  }
  headers["Content-Range"] = `bytes ${from}-${to}/${BYTES.length}`;
  return new Response(BYTES.slice(from, to + 1), { status: 206, headers });
}

/** The first and the last byte that are wanted; undefined if that is not one range of bytes. */
function rangeOf(header) {
  const [, first, last] = /^bytes=(\d{0,9})-(\d{0,9})$/.exec(header ?? "") ?? [];
  if (!first && !last) return undefined;
  const end = BYTES.length - 1;
  if (!first) return { from: Math.max(0, BYTES.length - Number(last)), to: end };
  return { from: Number(first), to: last ? Math.min(Number(last), end) : end };
}
