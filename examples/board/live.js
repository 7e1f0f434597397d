// What goes on while a page is open. Each connection looks by itself, once a second: a Worker cannot
// write to a connection of another request.
const SECOND = 1000;

/**
 * Server-sent events: `clock` each second, and `activity` for each piece of news after the one that
 * `Last-Event-ID` or `?after=` names.
 */
export function activity(request, { url, board }) {
  const after = request.headers.get("Last-Event-ID") ?? url.searchParams.get("after");
  const { readable, writable } = new TransformStream();
  write(writable.getWriter(), board, Number(after) || 0).catch(() => {}); // the viewer went away
  const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-store" };
  return new Response(readable, { headers });
}

async function write(writer, board, last) {
  const encoder = new TextEncoder();
  for (;;) {
    const fresh = board.news.filter(({ number }) => number > last).toReversed();
    last = Math.max(last, ...fresh.map(({ number }) => number));
    const events = fresh.map(
      ({ number, at, text }) => `id: ${number}\nevent: activity\ndata: ${timeOf(at)} ${text}\n\n`,
    );
    events.push(`event: clock\ndata: ${timeOf(new Date())}\n\n`);
    await writer.write(encoder.encode(events.join("")));
    await scheduler.wait(SECOND);
  }
}

/**
 * A WebSocket that sends back what it gets, and `{"windows": n}` at the beginning and whenever the
 * number of the user's open windows changes.
 */
export function presence(request, { board }) {
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    const headers = { Connection: "Upgrade", Upgrade: "websocket" };
    return new Response("This is a WebSocket\n", { status: 426, headers });
  }
  const [client, server] = Object.values(new WebSocketPair());
  server.binaryType = "arraybuffer";
  server.accept();
  board.windows += 1;
  let told;
  const tell = () => {
    if (told !== board.windows) server.send(JSON.stringify({ windows: board.windows }));
    told = board.windows;
  };
  const timer = setInterval(tell, SECOND);
  const end = () => {
    if (told === undefined) return;
    clearInterval(timer);
    board.windows -= 1;
    told = undefined;
  };
  server.addEventListener("message", ({ data }) => server.send(data));
  server.addEventListener("close", end);
  server.addEventListener("error", end);
  tell();
  return new Response(null, { status: 101, webSocket: client });
}

/** Hours, minutes and seconds, UTC. */
export const timeOf = (date) => date.toISOString().slice(11, 19);
