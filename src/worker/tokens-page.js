// The tokens page: what browsers are told with its files.

/** Its files beside the HTML, which is at "/". */
const FILES = ["/icon.svg", "/page.css", "/page.js"];

const HEADERS = {
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** What neither the page nor a frame in it may use. */
const DENIED = [
  ...["accelerometer", "camera", "clipboard-read", "display-capture", "geolocation", "gyroscope"],
  ...["hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "serial", "usb"],
  ...["publickey-credentials-get", "screen-wake-lock", "xr-spatial-tracking"],
].map((feature) => `${feature}=()`);

const HTML_HEADERS = {
  ...HEADERS,
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": [...DENIED, "clipboard-write=(self)"].join(", "),
  "x-frame-options": "DENY",
};

/** The headers of a file of the page; nothing, if it is another file. */
export function pageHeaders(path, env) {
  if (path === "/") return { ...HTML_HEADERS, "content-security-policy": policy(env) };
  return FILES.includes(path) ? { ...HEADERS, "cache-control": "no-cache" } : undefined;
}

function policy({ EMBED_HOST: embedHost, DEVELOPMENT: development }) {
  const directives = [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"],
    ...["connect-src 'self'", `frame-src ${embeds(embedHost, String(development) === "true")}`],
    ...["form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"],
    ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
  ];
  return directives.join("; ");
}

/** Where embeds live, as sources of a Content-Security-Policy. */
function embeds(host, development) {
  if (!host) return "'self'";
  return development ? `https://${host} http://${host}:*` : `https://${host}`;
}
