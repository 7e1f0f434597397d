// What went wrong, in plain words, and what to do next.

import { inWords } from "../words.js";
import { t } from "../texts.js";
import { TransientButton } from "./transient.jsx";

/**
 * @param {object} props
 * @param {unknown} props.error
 * @param {() => void} [props.onRetry]
 */
export function Notice({ error, onRetry }) {
  return (
    <div class="notice" role="alert">
      <p>{inWords(error)}</p>
      {onRetry && <TransientButton onClick={onRetry}>{t("tryAgain")}</TransientButton>}
    </div>
  );
}

/** What a part of the page shows until it has something. */
export function Waiting() {
  return <p class="waiting">{t("loading")}</p>;
}
