// An error page in a frame: tells the page around it the code, and where cookies are blocked lets
// the viewer ask that page for a tab of its own.
(() => {
  const { code, origins = "" } = document.documentElement.dataset;
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

  tell({ event: "error", code });
  const button = document.getElementById("open-tab");
  if (!button || code !== "cookies_blocked" || !targets.length) return;
  button.hidden = false;
  button.addEventListener("click", () => tell({ event: "open-tab" }));
})();
