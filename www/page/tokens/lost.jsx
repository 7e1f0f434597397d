// A token that was made while the connection dropped: it is there, but nobody has seen its text.

import { useState } from "preact/hooks";
import { ask } from "../gate.js";
import { useAction } from "../parts/action.js";
import { Dialog } from "../parts/dialog.jsx";
import { Notice } from "../parts/notice.jsx";
import { go, linkTo } from "../place.js";
import { t } from "../texts.js";
import { useAwaited } from "./kept.js";

/**
 * @param {object} props
 * @param {any} props.token
 * @param {(made: any) => void} props.onFound it has a successor, with its text
 */
export function LostSecret({ token, onFound }) {
  const { run, error } = useAction();
  const [isBusy, setBusy] = useState(false);
  useAwaited(isBusy);

  async function renew() {
    setBusy(true);
    await run(async () => onFound(await ask("POST", `/tokens/${token.id}/rotate`)));
    setBusy(false);
  }

  return (
    <Dialog title={t("lost.title")} onClose={() => isBusy || go("tokens", token.id)}>
      <p>{t("lost.text", { name: token.name })}</p>
      {error ? <Notice error={error} /> : null}
      <div class="actions">
        <button type="button" class="primary" onClick={renew}>
          {t("lost.renew")}
        </button>
        <a class="button" href={linkTo("tokens", token.id)}>
          {t("lost.look")}
        </a>
      </div>
    </Dialog>
  );
}
