// Making a token so that nothing is made twice: a repetition carries the same key.

import { useRef, useState } from "preact/hooks";
import { ask, newKey, Refusal, Unreachable } from "../gate.js";
import { isSignedOut, useVisit } from "../visit.js";
import { useAwaited } from "./kept.js";

/**
 * `create(body)` makes a token: then it is `made`, with its secret; or `lost`, where an answer got
 * lost and the repetition says that it is there, but not its secret; or there is an `error`. As long
 * as it `isUnsure` whether it was made, the very same is to be asked again.
 */
export function useCreation() {
  const { signedOut } = useVisit();
  const start = { isBusy: false, isUnsure: false, made: null, lost: null, error: null };
  const [state, setState] = useState(
    /** @type {{isBusy: boolean, isUnsure: boolean, made: any, lost: any, error: unknown}} */ (
      start
    ),
  );
  const last = useRef({ body: "", key: "" });
  const isBusy = useRef(false);
  useAwaited(state.isBusy);

  async function create(body) {
    if (isBusy.current) return;
    isBusy.current = true;
    // Who did not know what came of it asks the very same, whatever was written meanwhile.
    const text = state.isUnsure ? last.current.body : JSON.stringify(body);
    if (text !== last.current.body) last.current = { body: text, key: newKey() };
    setState({ ...start, isBusy: true });
    try {
      const headers = { "idempotency-key": last.current.key };
      const token = await ask("POST", "/tokens", { body: JSON.parse(text), headers });
      last.current = { body: "", key: "" };
      setState({ ...start, [token.token ? "made" : "lost"]: token });
    } catch (error) {
      if (isSignedOut(error)) return signedOut();
      // One that was refused for coming too soon says nothing of the one before.
      const isOpen = state.isUnsure && error instanceof Refusal && error.status === 429;
      const isLost = error instanceof Unreachable || /** @type {any} */ (error).status >= 500;
      setState({ ...start, error, isUnsure: isOpen || isLost });
    } finally {
      isBusy.current = false;
    }
  }

  return {
    ...state,
    create,
    found: (made) => setState({ ...start, made }),
    done: () => setState(start),
  };
}
