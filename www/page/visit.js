// What all of the page knows: who is here, what the workspace's settings are, and how to say
// something to whoever does not see the screen.

import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { pages, Refusal } from "./gate.js";

/**
 * @typedef {object} Who
 * @property {{id: string, email: string | null} | null} user nobody in particular: the operator
 * @property {string} workspace
 * @property {"admin" | "user"} role
 * @property {"operatorKey" | "provider"} signIn how people sign in here
 * @property {string[]} workspaces
 * @property {{id: string, name: string, allowedOrigins: string[]}[]} apps
 * @property {{path: string, methods: string[], scopes: string[], public: boolean}[]} routes
 * @property {string | null} origin where the app is; null: at another host than this page
 *
 * @typedef {object} Settings
 * @property {boolean} creation
 * @property {boolean} authentication
 * @property {"everyone" | "admins"} whoMayCreate
 * @property {number | null} maxLifetimeDays
 * @property {boolean} neverAllowed
 * @property {number} defaultLifetimeDays
 * @property {{name: string, description: string}[]} scopes
 * @property {string[]} allowedOrigins
 * @property {boolean} knownUsersOnly
 *
 * @typedef {object} Visit
 * @property {Who} who
 * @property {boolean} isAdmin
 * @property {Settings} settings
 * @property {(settings: Settings) => void} setSettings
 * @property {(text: string) => void} announce
 * @property {string} announced the text that was last announced
 * @property {() => void} signedOut to be called when the gate knows nobody any more
 */

export const VisitContext = createContext(/** @type {Visit} */ (/** @type {unknown} */ (null)));
export const useVisit = () => useContext(VisitContext);

/** Whether an error says that nobody is signed in any more. */
export const isSignedOut = (error) =>
  error instanceof Refusal && error.status === 401 && /^token_/.test(error.code);

/**
 * What `load` resolves to; loaded again when one of `inputs` changes, and by `reload`.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} inputs
 */
export function useLoaded(load, inputs) {
  const { signedOut } = useVisit();
  const [state, setState] = useState(/** @type {{value?: T | undefined, error?: unknown}} */ ({}));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const aborter = new AbortController();
    load(aborter.signal).then(
      (value) => !aborter.signal.aborted && setState({ value }),
      (error) => {
        if (aborter.signal.aborted) return;
        if (isSignedOut(error)) signedOut();
        else setState(({ value }) => ({ value, error }));
      },
    );
    return () => aborter.abort();
  }, [...inputs, round]);
  const reload = useCallback(() => setRound((round) => round + 1), []);
  const set = useCallback((value) => setState({ value }), []);
  return { ...state, reload, set };
}

/**
 * The entries of a list of the API: pages are read until there are `enough`, and on when `more` is
 * called.
 *
 * @param {string} path
 * @param {Record<string, string | number | undefined>} query
 * @param {{enough: number, pick?: (entry: any) => boolean}} options `pick`: which of them count
 */
export function useList(path, query, { enough, pick = () => true }) {
  const { signedOut } = useVisit();
  const start = { entries: /** @type {any[]} */ ([]), isLoading: true, isWhole: false };
  const [list, setList] = useState(/** @type {typeof start & {error?: unknown}} */ (start));
  const [round, setRound] = useState(0);
  const source = useRef(/** @type {ReturnType<typeof pages> | null} */ (null));

  useEffect(() => {
    const aborter = new AbortController();
    source.current = pages(path, query, aborter.signal);
    setList((list) => ({ ...list, isLoading: true }));
    read([], aborter.signal);
    return () => aborter.abort();
  }, [path, JSON.stringify(query), round]);

  async function read(before, signal) {
    const from = /** @type {ReturnType<typeof pages>} */ (source.current);
    let entries = before;
    try {
      for (;;) {
        const { value, done } = await from.next();
        if (from !== source.current || signal?.aborted) return;
        if (value) entries = [...entries, ...value.result.filter(pick)];
        const isWhole = done === true || value.next === null;
        const isLoading = !isWhole && entries.length < before.length + enough;
        setList({ entries, isLoading, isWhole });
        if (!isLoading) return;
      }
    } catch (error) {
      if (from !== source.current || signal?.aborted) return;
      if (isSignedOut(error)) signedOut();
      else setList({ entries, isLoading: false, isWhole: true, error });
    }
  }

  return {
    ...list,
    more() {
      if (list.isLoading) return;
      setList((list) => ({ ...list, isLoading: true }));
      read(list.entries);
    },
    reload: () => setRound((round) => round + 1),
  };
}
