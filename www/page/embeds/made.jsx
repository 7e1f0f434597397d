// An embed URL that was just made: to copy, what the host page needs, and how it looks.

import { useEffect, useRef, useState } from "preact/hooks";
import { dateAndTime, list } from "../format.js";
import { ask } from "../gate.js";
import { useAction } from "../parts/action.js";
import { CopyButton } from "../parts/copy.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Notice } from "../parts/notice.jsx";
import { t } from "../texts.js";
import { useForgetting } from "../tokens/kept.js";
import { appNames } from "../tokens/scopes.js";
import { useVisit } from "../visit.js";

const PREVIEW_MINUTES = 5;

/** All that apps need, but for leading the page around the frame elsewhere: there, people give keys. */
const SANDBOX = [
  ...["allow-downloads", "allow-forms", "allow-modals", "allow-popups", "allow-same-origin"],
  ...["allow-popups-to-escape-sandbox", "allow-scripts"],
].join(" ");

/**
 * @param {object} props
 * @param {any} props.made the embed token, with its URL
 * @param {() => void} props.onOpened
 * @param {() => void} props.onClose
 */
export function EmbedDialog({ made, onOpened, onClose }) {
  useForgetting();
  const { who } = useVisit();
  const title = inAttribute(list(appNames(made.apps, who)));
  const frame = `<iframe src="${made.embedUrl}" title="${title}" referrerpolicy="no-referrer"></iframe>`;
  const element = `<script type="module" src="${location.origin}/gatepass/embed.js"></script>
<gatepass-embed url-endpoint="/your-backend/embed-url"></gatepass-embed>`;
  // This host has no embeds, and the gate knows no other that it has.
  if (who.origin === null && new URL(made.embedUrl).origin === location.origin) {
    return (
      <Dialog title={t("embed.made")} onClose={onClose}>
        <p class="notice">{t("embed.notHere")}</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={t("embed.made")} onClose={onClose}>
      <p>{t(made.singleUse ? "embed.once" : "embed.secret")}</p>
      <div class="secret">
        <label>
          {t("embed.url")}
          {/* Otherwise browsers keep it, so that they can fill it in when the tab comes back. */}
          <input class="token-text" readOnly autocomplete="off" value={made.embedUrl} />
        </label>
        <CopyButton text={made.embedUrl} isPrimary />
      </div>
      <p class="hint">{t("secret.until", { time: dateAndTime(made.expiresAt) })}</p>
      <Snippet text={t("embed.frame")} code={frame} />
      <Snippet text={t("embed.element")} code={element} />
      <Preview made={made} onOpened={onOpened} />
      <div class="actions">
        <button type="button" onClick={onClose}>
          {t("close")}
        </button>
      </div>
    </Dialog>
  );
}

/** A text as it stands in an attribute of HTML. */
const inAttribute = (text) => text.replace(/[&"<]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function Snippet({ text, code }) {
  return (
    <>
      <p>{text}</p>
      <div class="code">
        <pre tabIndex={0} aria-label={text}>
          <code>{code}</code>
        </pre>
        <CopyButton text={code} label={text} />
      </div>
    </>
  );
}

/** The app in a frame, by a token of its own: the URL that was made stays unused. */
function Preview({ made, onOpened }) {
  const { run, error } = useAction();
  const [preview, setPreview] = useState(/** @type {any} */ (null));
  const latest = useRef(/** @type {any} */ (null));
  const isOver = useRef(false);
  const revoke = () => void ask("DELETE", `/tokens/${latest.current.id}`).catch(() => {});

  const open = () =>
    run(async () => {
      const body = {
        ...{ kind: "embed", name: t("embed.previewName"), label: "preview", singleUse: true },
        ...{ app: made.apps[0], user: { id: made.user.id }, sessionMinutes: PREVIEW_MINUTES },
        allowedOrigins: [location.origin],
      };
      latest.current = await ask("POST", "/tokens", { body });
      if (isOver.current) revoke();
      else setPreview(latest.current);
    });

  // Nobody needs it once the dialog is closed.
  useEffect(
    () => () => {
      isOver.current = true;
      if (latest.current) revoke();
    },
    [],
  );

  if (preview) {
    return (
      <iframe
        class="preview"
        title={t("embed.preview")}
        src={preview.embedUrl}
        sandbox={SANDBOX}
        referrerpolicy="no-referrer"
        onLoad={onOpened}
      />
    );
  }
  return (
    <>
      {error ? <Notice error={error} /> : null}
      <div class="actions">
        <button type="button" onClick={open}>
          {t("embed.showPreview")}
        </button>
      </div>
      <p class="hint">{t("embed.previewHint", { count: PREVIEW_MINUTES })}</p>
    </>
  );
}
