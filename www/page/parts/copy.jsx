// A button that copies a text.

import { useRef, useState } from "preact/hooks";
import { t } from "../texts.js";
import { useVisit } from "../visit.js";

const SHOWN = 4000;

/**
 * @param {object} props
 * @param {string} props.text
 * @param {string} [props.label] what is copied, for who does not see it
 * @param {(text: string) => void} [props.onCopied]
 * @param {boolean} [props.isPrimary]
 */
export function CopyButton({ text, label, onCopied, isPrimary = false }) {
  const { announce } = useVisit();
  const [result, setResult] = useState(/** @type {string | null} */ (null));
  const timer = useRef(0);

  function show(result) {
    setResult(result);
    announce(result);
    clearTimeout(timer.current);
    timer.current = setTimeout(setResult, SHOWN, null);
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      show(t("copied"));
      onCopied?.(text);
    } catch {
      show(t("copyFailed"));
    }
  }

  return (
    <button type="button" class={isPrimary ? "primary" : ""} autofocus={isPrimary} onClick={copy}>
      {result ?? t("copy")}
      {label && <span class="hidden"> {label}</span>}
    </button>
  );
}
