/** A WebSocket that answers with what the handler sees, and whose request it is. */
export const echo = (c) => ({
  onMessage(_, socket) {
    const { headers, url } = c.req.raw.clone();
    const seen = { user: c.get("gatepass").user.id, url: c.req.url, headers: c.req.header() };
    socket.send(JSON.stringify({ ...seen, cloned: { url, headers: [...headers] } }));
  },
});
