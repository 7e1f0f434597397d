// A button that copies a text.

import { useRef, useState } from "preact/hooks";
import { t } from "../texts.js";
import { useVisit } from "../visit.js";

/**
 * @param {object} props
 * @param {string} props.text
 * @param {string} [props.label] what is copied, for who does not see it
 * @param {() => void} [props.onCopied]
 * @param {boolean} [props.isPrimary]
 */
export function CopyButton({ text, label, onCopied, isPrimary = false }) {
  const { announce } = useVisit();
  const [state, setState] = useState(/** @type {"copy" | "copied" | "failed"} */ ("copy"));
  const timer = useRef(0);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
      announce(t("copied"));
      onCopied?.();
    } catch {
      setState("failed");
      announce(t("copyFailed"));
    }
    clearTimeout(timer.current);
    timer.current = setTimeout(setState, 4000, "copy");
  }

  const name = t(state === "copied" ? "copied" : state === "failed" ? "copyFailed" : "copy");
  return (
    <button type="button" class={isPrimary ? "primary" : ""} autofocus={isPrimary} onClick={copy}>
      {name}
      {label && <span class="hidden"> {label}</span>}
    </button>
  );
}
