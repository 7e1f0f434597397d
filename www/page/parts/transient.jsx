// A button that is gone once it has done its work.

import { useLayoutEffect, useRef } from "preact/hooks";
import { toMain } from "../place.js";

/**
 * If it is gone while it has the focus, that goes to the screen.
 *
 * @param {object} props
 * @param {() => void} props.onClick
 * @param {string} [props.label] what it does, where that is not said by its text alone
 * @param {import("preact").ComponentChildren} props.children
 */
export function TransientButton({ onClick, label, children }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useLayoutEffect(() => () => void (document.activeElement === button.current && toMain()), []);
  return (
    <button type="button" ref={button} aria-label={label} onClick={onClick}>
      {children}
    </button>
  );
}
