const YEAR = 365 * 24 * 60 * 60; // seconds

/** The value of a cookie of the request; undefined if it has none of that name. */
export function cookieOf(request, name) {
  const cookies = (request.headers.get("Cookie") ?? "").split(";");
  const found = cookies.map((cookie) => cookie.trim()).find((text) => text.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

export const visitCookie = (visits) =>
  `board-visits=${visits}; Path=/; Max-Age=${YEAR}; HttpOnly; SameSite=Lax`;

/** It names its domain, as apps do that have several hosts: the gate confines it to the place. */
export function themeCookie(request, theme) {
  const host = request.headers.get("X-Forwarded-Host") ?? new URL(request.url).host;
  const domain = host.replace(/:\d+$/, "");
  return `board-theme=${theme}; Domain=${domain}; Path=/; Max-Age=${YEAR}; SameSite=Lax`;
}
