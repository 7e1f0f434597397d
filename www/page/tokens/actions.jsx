// What can be done with a token: rename, disable, enable, rotate, revoke.

import { useState } from "preact/hooks";
import { dateAndTime } from "../format.js";
import { ask } from "../gate.js";
import { useAction } from "../parts/action.js";
import { Confirmation, Dialog } from "../parts/dialog.jsx";
import { Field } from "../parts/field.jsx";
import { Notice } from "../parts/notice.jsx";
import { toMain } from "../place.js";
import { t } from "../texts.js";
import { useVisit } from "../visit.js";
import { isAboutOneOf, wrongWith } from "../words.js";
import { useAwaited } from "./kept.js";
import { SecretDialog } from "./secret.jsx";

const HOUR = 3600;
const GRACES = /** @type {const} */ ([
  ["none", 0],
  ["hour", HOUR],
  ["day", 24 * HOUR],
  ["week", 7 * 24 * HOUR],
]);

/**
 * @param {object} props
 * @param {any} props.token
 * @param {(token: any) => void} props.onChange
 */
export function Actions({ token, onChange }) {
  const { announce, isAdmin, settings } = useVisit();
  const [open, setOpen] = useState(/** @type {"rename" | "rotate" | "revoke" | null} */ (null));
  const { run, error } = useAction();
  const { id, state, kind } = token;
  const isAlive = state === "active" || state === "disabled";
  const mayRotate = state === "active" && kind === "pat" && settings.creation;
  const close = () => setOpen(null);

  async function enable(enabled) {
    const done = await run(async () =>
      onChange(await ask("PATCH", `/tokens/${id}`, { body: { enabled } })),
    );
    if (done) announce(t(enabled ? "enabled" : "disabled"));
  }

  async function revoke() {
    const done = await run(async () => {
      await ask("DELETE", `/tokens/${id}`);
      onChange({ ...token, state: "revoked" });
    });
    close();
    if (!done) return;
    announce(t("revoked"));
    toMain();
  }

  return (
    <>
      <div class="actions">
        {isAlive && (
          <button type="button" onClick={() => setOpen("rename")}>
            {t("rename")}
          </button>
        )}
        {isAlive && (
          <button type="button" onClick={() => enable(state === "disabled")}>
            {t(state === "disabled" ? "enable" : "disable")}
          </button>
        )}
        {mayRotate && (isAdmin || settings.whoMayCreate === "everyone") && (
          <button type="button" onClick={() => setOpen("rotate")}>
            {t("rotate")}
          </button>
        )}
        {state !== "revoked" && (
          <button type="button" class="danger" onClick={() => setOpen("revoke")}>
            {t("revoke")}
          </button>
        )}
      </div>
      {error ? <Notice error={error} /> : null}
      {open === "rename" && <Rename {...{ token, onChange }} onClose={close} />}
      {open === "rotate" && <Rotate {...{ token }} onClose={close} />}
      {open === "revoke" && (
        <Confirmation
          title={t("revoke.title", { name: token.name })}
          action={t("revoke.confirm")}
          onConfirm={revoke}
          onClose={close}
        >
          <p>{t("revoke.means")}</p>
        </Confirmation>
      )}
    </>
  );
}

function Rename({ token, onChange, onClose }) {
  const { announce } = useVisit();
  const { run, error } = useAction();
  const [name, setName] = useState(token.name);
  const [description, setDescription] = useState(token.description);

  async function save(event) {
    event.preventDefault();
    const body = { name: name.trim(), description: description.trim() };
    const done = await run(async () =>
      onChange(await ask("PATCH", `/tokens/${token.id}`, { body })),
    );
    if (!done) return;
    announce(t("saved"));
    onClose();
  }

  return (
    <Dialog title={t("rename.title")} onClose={onClose}>
      <form class="form" onSubmit={save}>
        <Field label={t("name")} error={wrongWith(error, "name")}>
          {(attributes) => (
            <input
              {...attributes}
              {...{ required: true, maxLength: 100, autocomplete: "off", autofocus: true }}
              value={name}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
            />
          )}
        </Field>
        <Field label={t("descriptionOptional")} error={wrongWith(error, "description")}>
          {(attributes) => (
            <textarea
              {...attributes}
              {...{ maxLength: 500, rows: 3, value: description }}
              onInput={({ currentTarget }) => setDescription(currentTarget.value)}
            />
          )}
        </Field>
        {error && !isAboutOneOf(error, ["name", "description"]) ? <Notice error={error} /> : null}
        <div class="actions">
          <button type="submit" class="primary" disabled={name.trim() === ""}>
            {t("save")}
          </button>
          <button type="button" onClick={onClose}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Whatever comes first: the end of the grace, or the old token's own. */
function endOfGrace({ expiresAt }, { createdAt }, graceSeconds) {
  const end = new Date(createdAt).getTime() + graceSeconds * 1000;
  return expiresAt === null ? end : Math.min(end, new Date(expiresAt).getTime());
}

function Rotate({ token, onClose }) {
  const { run, error } = useAction();
  const [graceSeconds, setGrace] = useState(HOUR);
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [isBusy, setBusy] = useState(false);
  useAwaited(isBusy);
  const leave = () => isBusy || onClose();

  if (made) {
    const note = graceSeconds
      ? t("rotate.oldUntil", { time: dateAndTime(endOfGrace(token, made, graceSeconds)) })
      : t("rotate.oldEnded");
    return <SecretDialog {...{ made, note, onClose }} />;
  }

  async function rotate(event) {
    event.preventDefault();
    setBusy(true);
    await run(async () =>
      setMade(await ask("POST", `/tokens/${token.id}/rotate`, { body: { graceSeconds } })),
    );
    setBusy(false);
  }

  return (
    <Dialog title={t("rotate.title", { name: token.name })} onClose={leave}>
      <form class="form" onSubmit={rotate}>
        <p>{t("rotate.means")}</p>
        <Field label={t("rotate.grace")} hint={t("rotate.graceHint")}>
          {(attributes) => (
            <select
              {...attributes}
              autofocus
              value={graceSeconds}
              onChange={({ currentTarget }) => setGrace(Number(currentTarget.value))}
            >
              {GRACES.map(([name, seconds]) => (
                <option value={seconds}>{t(`grace.${name}`)}</option>
              ))}
            </select>
          )}
        </Field>
        {error ? <Notice error={error} /> : null}
        <div class="actions">
          <button type="submit" class="primary">
            {t("rotate.confirm")}
          </button>
          <button type="button" onClick={leave}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
