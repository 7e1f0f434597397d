// Something that a button does: one at a time, and what came of it.

import { useState } from "preact/hooks";
import { isSignedOut, useVisit } from "../visit.js";

/** `run(work)` resolves to whether it was done; else `error` says why not. */
export function useAction() {
  const { signedOut } = useVisit();
  const [state, setState] = useState({ isBusy: false, error: /** @type {unknown} */ (null) });
  return {
    ...state,
    async run(work) {
      setState({ isBusy: true, error: null });
      try {
        await work();
        setState({ isBusy: false, error: null });
        return true;
      } catch (error) {
        if (isSignedOut(error)) signedOut();
        else setState({ isBusy: false, error });
        return false;
      }
    },
  };
}
