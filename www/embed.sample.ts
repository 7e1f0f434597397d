// How a host page uses the SDK, checked by `tsc` and never run.
import { embed, type GatepassCode } from "./embed.js";

const made = embed(document.body, { urlEndpoint: "/embed-url", title: "Jobs", resize: true });
made.addEventListener("ready", (event) => event.detail satisfies null);
made.addEventListener("ended", ({ detail }) => detail.code satisfies GatepassCode);
made.addEventListener("error", function ({ detail }) {
  this.hidden = detail.code === "cookies_blocked";
  // @ts-expect-error: no such code
  return detail.code === "no_such_code";
});
made.addEventListener("click", (event) => event.clientX satisfies number);

const found = document.querySelector("gatepass-embed");
found?.addEventListener("renewed", () => found.remove());
document.createElement("gatepass-embed").getUrl = () => "https://place.embed.example.net/";

embed(document.createDocumentFragment(), {
  allow: "fullscreen",
  getUrl: async ({ renew, topLevel }) => {
    const response = await fetch(`/embed-url?renew=${renew}&topLevel=${topLevel}`);
    return { embedUrl: await response.text(), allowedOrigins: [location.origin] };
  },
});
embed(document.body, { getUrl: () => ({ redirectUrl: "https://place.embed.example.net/" }) });
// @ts-expect-error: neither urlEndpoint nor getUrl
embed(document.body, {});
// @ts-expect-error: both
embed(document.body, { urlEndpoint: "/embed-url", getUrl: () => "" });
// @ts-expect-error: an answer without a URL
embed(document.body, { getUrl: () => ({ allowedOrigins: [] }) });
