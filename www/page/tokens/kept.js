// Secrets on the screen: whether somebody has kept what is shown once, and that the page forgets it.

import { useEffect, useRef, useState } from "preact/hooks";
import { keepHere } from "../place.js";

/** Before the page goes away, it is emptied: no cache of pages has what is on it. */
export function useForgetting() {
  useEffect(() => {
    const forget = () => document.body.replaceChildren();
    addEventListener("pagehide", forget);
    return () => removeEventListener("pagehide", forget);
  }, []);
}

/** As long as a secret is on its way here, nobody leaves: it comes this once. */
export function useAwaited(isAwaited) {
  useEffect(() => {
    if (!isAwaited) return;
    const release = keepHere(() => false);
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => {
      release();
      removeEventListener("beforeunload", warn);
    };
  }, [isAwaited]);
}

/**
 * `leave()` says whether one may: if nothing was kept, it shows the warning first. Back, forward and
 * the closing of the tab are asked the same.
 */
export function useKept() {
  const [isKept, setKept] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const kept = useRef(false);

  function leave() {
    if (!kept.current) setLeaving(true);
    return kept.current;
  }

  useForgetting();
  useEffect(() => {
    const release = keepHere(leave);
    const warn = (event) => kept.current || event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => {
      release();
      removeEventListener("beforeunload", warn);
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
