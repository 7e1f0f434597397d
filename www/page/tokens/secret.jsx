// The one time that a token is shown.

import { useRef, useState } from "preact/hooks";
import { dateAndTime } from "../format.js";
import { CopyButton } from "../parts/copy.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { useFocusedWhen } from "../parts/field.jsx";
import { save } from "../parts/save.js";
import { go } from "../place.js";
import { t } from "../texts.js";
import { useVisit } from "../visit.js";
import { HowTo } from "./how-to.jsx";
import { useKept } from "./kept.js";

/**
 * @param {object} props
 * @param {any} props.made the token, with its text
 * @param {string} [props.note]
 * @param {() => void} props.onClose
 */
export function SecretDialog({ made, note, onClose }) {
  const { isKept, keep, isLeaving, leave, stay, giveUp } = useKept();
  const back = useFocusedWhen(isLeaving);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const copied = (text) => void (text.includes(made.token) && keep());

  function close() {
    giveUp();
    onClose();
    go("tokens", made.id);
  }

  function backToToken() {
    stay();
    field.current?.focus();
  }

  return (
    <Dialog title={t("secret.title", { name: made.name })} onClose={() => leave() && close()}>
      <div onCopy={() => copied(marked())}>
        <p>{t("secret.once")}</p>
        <div class="secret">
          <label>
            {t("secret.token")}
            <input
              {...{ class: "token-text", readOnly: true, ref: field, value: made.token }}
              // Otherwise browsers keep it, so that they can fill it in when the tab comes back.
              autocomplete="off"
              onFocus={({ currentTarget }) => currentTarget.select()}
            />
          </label>
          <CopyButton text={made.token} onCopied={copied} isPrimary />
          <DownloadButton token={made} onDownloaded={keep} />
        </div>
        <p class="hint">
          {made.expiresAt === null
            ? t("secret.untilRevoked")
            : t("secret.until", { time: dateAndTime(made.expiresAt) })}
        </p>
        {note && <p class="hint">{note}</p>}
        {isLeaving && (
          <div class="notice" role="alert">
            <p>{t("secret.notCopied")}</p>
            <div class="actions">
              <button type="button" ref={back} onClick={backToToken}>
                {t("secret.back")}
              </button>
              <button type="button" class="danger" onClick={close}>
                {t("secret.closeAnyway")}
              </button>
            </div>
          </div>
        )}
        <HowTo token={made} onCopied={copied} />
      </div>
      <div class="actions">
        <button type="button" class={isKept ? "primary" : ""} onClick={() => leave() && close()}>
          {t("secret.done")}
        </button>
      </div>
    </Dialog>
  );
}

/** What is marked, in a field or in the text around it. */
function marked() {
  const field = document.activeElement;
  if (!(field instanceof HTMLInputElement)) return String(getSelection());
  return field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0);
}

function DownloadButton({ token, onDownloaded }) {
  const { announce } = useVisit();
  const [isDone, setDone] = useState(false);

  function download() {
    save(`${token.name.replace(/[^\p{L}\p{N}]+/gu, "-")}.txt`, `${token.token}\n`, "text/plain");
    setDone(true);
    announce(t("secret.downloaded"));
    onDownloaded();
  }

  return (
    <button type="button" onClick={download}>
      {t(isDone ? "secret.downloaded" : "secret.download")}
    </button>
  );
}
