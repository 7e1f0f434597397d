// Something that a button does: one at a time, and what came of it.

import { useRef, useState } from "preact/hooks";
import { isSignedOut, useVisit } from "../visit.js";

/**
 * `run(work)` resolves to whether it was done; else `error` says why not. While something is done,
 * nothing else is: a button that was disabled for so long would lose the focus.
 */
export function useAction() {
  const { signedOut } = useVisit();
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const isBusy = useRef(false);
  return {
    error,
    /** @param {() => Promise<unknown>} work */
    async run(work) {
      if (isBusy.current) return false;
      isBusy.current = true;
      setError(null);
      try {
        await work();
        return true;
      } catch (error) {
        if (isSignedOut(error)) signedOut();
        else setError(error);
        return false;
      } finally {
        isBusy.current = false;
      }
    },
  };
}
