// The watch page, in a hidden frame: says that the session is good, now and every 15 seconds, and
// once that it is over. After that, and at the top level, it is silent.
(() => {
  const EVERY = 15_000;
  const { place, url, expiresIn, origins = "" } = document.documentElement.dataset;
  if (parent === window) return;

  // Where the browser names the parent, only its own origin is written to; the token's origins are
  // the limit either way.
  const embedder = location.ancestorOrigins?.[0];
  const targets = [...new Set([...origins.split(" "), location.origin])].filter(
    (origin) => origin && (!embedder || embedder === "null" || embedder === origin),
  );
  const tell = (message) => {
    for (const target of targets) parent.postMessage({ type: "gatepass", ...message }, target);
  };

  let asking = false;
  let over = false;
  const ask = async () => {
    if (asking || over || document.hidden) return;
    asking = true;
    try {
      const response = await fetch(`/gatepass/embed/${place}/session`, {
        headers: { accept: "application/json" },
        cache: "no-store",
        signal: AbortSignal.timeout(EVERY),
      });
      const answer = await response.json();
      const refused = response.status < 500 && ![408, 425, 429].includes(response.status);
      if (response.ok) {
        tell({ event: "opened", place, url, expiresIn: answer.expiresIn });
      } else if (refused && typeof answer.code === "string") {
        over = true;
        clearInterval(timer);
        tell({ event: "error", code: answer.code });
      }
    } catch {
      // Offline, or no answer of the gate's: the next round asks again.
    } finally {
      asking = false;
    }
  };

  tell({ event: "opened", place, url, expiresIn: Number(expiresIn) });
  const timer = setInterval(ask, EVERY);
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", ask);
})();
