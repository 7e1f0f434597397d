// A dialog over everything else.

import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../texts.js";
import { useVisit } from "../visit.js";
import { Announcement } from "./announcement.jsx";

/**
 * What has `autofocus` in it has the focus first, else its Close button.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {() => void} props.onClose somebody wants to leave; it stays until it is no longer rendered
 * @param {import("preact").ComponentChildren} props.children
 */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const heading = useId();
  const { announce } = useVisit();

  useLayoutEffect(() => {
    const element = /** @type {HTMLDialogElement} */ (dialog.current);
    element.showModal();
    // What was said before it opened is not about it.
    announce("");
    return () => element.close();
  }, []);

  function wantsToLeave(event) {
    event.preventDefault();
    onClose();
  }

  // A browser may close it at a second Escape whatever was answered to the first.
  function onClosed() {
    if (!dialog.current?.isConnected) return;
    dialog.current.showModal();
    onClose();
  }

  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={wantsToLeave} onClose={onClosed}>
      <header>
        <h2 id={heading}>{title}</h2>
        <button type="button" class="quiet" onClick={onClose}>
          {t("close")}
        </button>
      </header>
      {children}
      <Announcement />
    </dialog>
  );
}

/**
 * A question before something that cannot be undone.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {import("preact").ComponentChildren} props.children what it means
 * @param {string} props.action
 * @param {() => void} props.onConfirm
 * @param {() => void} props.onClose
 */
export function Confirmation({ title, children, action, onConfirm, onClose }) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div class="actions">
        <button type="button" class="danger" onClick={onConfirm}>
          {action}
        </button>
        <button type="button" autofocus onClick={onClose}>
          {t("cancel")}
        </button>
      </div>
    </Dialog>
  );
}
