// What went wrong, in plain words, and what to do next.

import { useLayoutEffect, useRef } from "preact/hooks";
import { toMain } from "../place.js";
import { inWords } from "../words.js";
import { t } from "../texts.js";

/**
 * @param {object} props
 * @param {unknown} props.error
 * @param {() => void} [props.onRetry]
 */
export function Notice({ error, onRetry }) {
  const retry = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useLayoutEffect(() => () => void (document.activeElement === retry.current && toMain()), []);
  return (
    <div class="notice" role="alert">
      <p>{inWords(error)}</p>
      {onRetry && (
        <button type="button" ref={retry} onClick={onRetry}>
          {t("tryAgain")}
        </button>
      )}
    </div>
  );
}

/** What a part of the page shows until it has something. */
export function Waiting() {
  return <p class="waiting">{t("loading")}</p>;
}
