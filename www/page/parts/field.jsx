// A field of a form: its label, what to write, and what is wrong with it.

import { useEffect, useId, useRef } from "preact/hooks";

/**
 * @param {object} props
 * @param {string} props.label
 * @param {import("preact").ComponentChildren} [props.hint]
 * @param {string | undefined} [props.error]
 * @param {(attributes: {id: string, "aria-describedby"?: string, "aria-invalid"?: true}) => any} props.children
 */
export function Field({ label, hint, error, children }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {children({
        id,
        ...(described && { "aria-describedby": described }),
        ...(error && { "aria-invalid": true }),
      })}
      {error && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/**
 * A box to tick, with what it means below it.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {import("preact").ComponentChildren} [props.hint]
 * @param {boolean} props.checked
 * @param {(checked: boolean) => void} props.onChange
 * @param {"checkbox" | "radio"} [props.type]
 * @param {string} [props.name]
 * @param {boolean} [props.disabled]
 */
export function Choice({ label, hint, checked, onChange, type = "checkbox", name, disabled }) {
  const id = useId();
  return (
    <div class="choice">
      <input
        {...{ id, type, name, checked, disabled }}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/**
 * A form whose first wrong field gets the focus when an error comes.
 *
 * @param {unknown} error
 */
export function useMistaken(error) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    const wrong = error ? form.current?.querySelector("[aria-invalid]") : null;
    if (wrong instanceof HTMLElement) wrong.focus();
  }, [error]);
  return form;
}

/** A button that gets the focus as soon as something is so. */
export function useFocusedWhen(isSo) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    if (isSo) button.current?.focus();
  }, [isSo]);
  return button;
}

/** The lines of a text area that hold something. */
export const linesOf = (text) =>
  text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter(Boolean);
