// Whether somebody has kept what is shown once, and a warning if they leave without.

import { useEffect, useRef, useState } from "preact/hooks";
import { keepHere } from "../place.js";

/**
 * `leave()` says whether one may: if nothing was kept, it shows the warning first. Back, forward and
 * the closing of the tab are asked the same. Before the page goes away, it is emptied: no cache of
 * pages has what is on it.
 */
export function useKept() {
  const [isKept, setKept] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const kept = useRef(false);

  function leave() {
    if (!kept.current) setLeaving(true);
    return kept.current;
  }

  useEffect(() => {
    const release = keepHere(leave);
    const warn = (event) => kept.current || event.preventDefault();
    const forget = () => document.body.replaceChildren();
    addEventListener("beforeunload", warn);
    addEventListener("pagehide", forget);
    return () => {
      release();
      removeEventListener("beforeunload", warn);
      removeEventListener("pagehide", forget);
    };
  }, []);

  return {
    ...{ isKept, isLeaving, leave },
    keep() {
      kept.current = true;
      setKept(true);
      setLeaving(false);
    },
    stay: () => setLeaving(false),
    giveUp: () => void (kept.current = true),
  };
}
