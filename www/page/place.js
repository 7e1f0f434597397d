// Where in the page somebody is: the part of the URL after "#". It holds names and ids, no secret.

import { useEffect, useState } from "preact/hooks";

const free = () => true;
let guard = free;
let current = location.hash;
const listeners = new Set();

addEventListener("hashchange", () => {
  if (location.hash === current) return;
  if (!guard()) {
    // Back or forward, while something is shown that will not be shown again.
    history.pushState(null, "", current || "#");
    return;
  }
  current = location.hash;
  for (const listener of listeners) listener();
});

/** The segments of where somebody is: `["tokens", "Zveq-01M7…"]`. */
const segments = () => current.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The segments, as they change. */
export function usePlace() {
  const [place, setPlace] = useState(segments);
  useEffect(() => {
    const listener = () => setPlace(segments());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return place;
}

/** The link to a place. */
export const linkTo = (...to) => `#/${to.map(encodeURIComponent).join("/")}`;

export const go = (...to) => void (location.hash = linkTo(...to));

/** The focus goes to the screen, where what had it is gone, and a dialog that closes lets go of it. */
export const toMain = () => void setTimeout(() => document.getElementById("main")?.focus());

/** Nobody leaves the place as long as `mayLeave` says no; returns how to lift that. */
export function keepHere(mayLeave) {
  guard = mayLeave;
  return () => void (guard === mayLeave && (guard = free));
}
