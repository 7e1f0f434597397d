// A button that copies a text.

import { useRef, useState } from "preact/hooks";
import { t } from "../texts.js";

const SHOWN = 4000;

/**
 * @param {object} props
 * @param {string} props.text
 * @param {string} [props.label] what is copied, for who does not see it
 * @param {() => void} [props.onCopied]
 * @param {boolean} [props.isPrimary]
 */
export function CopyButton({ text, label, onCopied, isPrimary = false }) {
  const [result, setResult] = useState(/** @type {"copied" | "copyFailed" | null} */ (null));
  const timer = useRef(0);

  async function copy() {
    clearTimeout(timer.current);
    try {
      await navigator.clipboard.writeText(text);
      setResult("copied");
      onCopied?.();
    } catch {
      setResult("copyFailed");
    }
    timer.current = setTimeout(setResult, SHOWN, null);
  }

  const said = result && t(result === "copied" ? "copied" : "copyFailed");
  return (
    <>
      <button type="button" class={isPrimary ? "primary" : ""} autofocus={isPrimary} onClick={copy}>
        {said ?? t("copy")}
        {label && <span class="hidden"> {label}</span>}
      </button>
      {/* Said from inside: what is outside of an open dialog is not read out. */}
      <span class="hidden" role="status">
        {said}
      </span>
    </>
  );
}
