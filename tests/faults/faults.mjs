// What can fail, by the service and the words of docs/operations.md: how a scene is made to.

/** An answer of `node:http` by what is written to its connection. */
const raw = (text) => (request) => request.socket.end(text);
const status = (code) => (_, response) => response.writeHead(code).end("out of order");
const says = (body) => (_, response) => response.end(body);
const moved = (_, response) => response.writeHead(302, { location: "/elsewhere" }).end();
const reset = ({ socket }) => socket.resetAndDestroy();
const hangs = () => {};
const TEN_MB = " ".repeat(10 * 2 ** 20);

/**
 * By service, then by fault: what begins it, given the scene and those who may pass. `mend` ends
 * whatever has begun.
 */
export const FAULTS = {
  "the upstream": {
    "says nothing": ({ upstream }) => (upstream.fault = hangs),
    "resets the connection": ({ upstream }) => (upstream.fault = reset),
    "ends it without an answer": ({ upstream }) => (upstream.fault = raw("")),
    "answers what is no HTTP": ({ upstream }) => (upstream.fault = raw("nonsense\r\n\r\n")),
    "switches protocols unasked": ({ upstream }) =>
      (upstream.fault = raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")),
  },
  KV: {
    "throws on reading": ({ kv }) => (kv.fault = "throws"),
    "hangs on reading": ({ kv }) => (kv.fault = "hangs"),
    "answers junk": ({ kv }) => (kv.fault = () => "junk"),
    "answers a later format": ({ kv }) =>
      (kv.fault = (_, value) => value?.replace('"v":1', '"v":2')),
    "answers that there is nothing": ({ kv }) => (kv.fault = () => undefined),
    "answers what it held before": ({ kv }) => {
      const held = new Map(kv.values);
      kv.fault = (key) => held.get(key);
    },
    "throws on writing": ({ kv }) => (kv.putFault = "throws"),
    "hangs on writing": ({ kv }) => (kv.putFault = "hangs"),
    "writes, and throws": ({ kv }) => (kv.putFault = "denies"),
  },
  "a ledger": objects("ledger"),
  "the directory": objects("directory"),
  "the rate limiter": {
    throws: ({ limiter }) => (limiter.fault = status(500)),
    hangs: ({ limiter }) => (limiter.fault = hangs),
  },
  "the assets": {
    throw: ({ assets }) => (assets.fault = reset),
    hang: ({ assets }) => (assets.fault = hangs),
    "answer 500": ({ assets }) => (assets.fault = status(500)),
    "answer 404": ({ assets }) => (assets.fault = status(404)),
  },
  "the identity provider's keys": {
    ...keysOf("provider"),
    "are others than those known": async ({ provider }, { person }) => {
      await person();
      provider.rotate();
    },
  },
  "the scanner's keys": keysOf("scanner"),
};

function objects(name) {
  const answers = (answer) => (scene) => (scene[name].answer = () => answer);
  return {
    throws: answers("throws"),
    hangs: answers("hangs"),
    "answers 500": answers(500),
    "answers junk": answers("junk"),
  };
}

function keysOf(name) {
  const answers = (fault) => (scene) => (scene[name].fault = fault);
  return {
    "cannot be fetched": answers(reset),
    "do not come": answers(hangs),
    "are answered by 500": answers(status(500)),
    "are elsewhere (302)": answers(moved),
    "are junk": answers(says("junk")),
    "have 10 MB": answers(says(TEN_MB)),
  };
}

/** Ends whatever failed. */
export function mend({ kv, ledger, directory, ...others }) {
  Object.assign(kv, { fault: undefined, putFault: undefined });
  ledger.answer = directory.answer = () => "passes";
  for (const one of Object.values(others)) if (one && "fault" in one) one.fault = undefined;
}
