// The form that makes an embed URL.

import { useEffect, useState } from "preact/hooks";
import { ask } from "../gate.js";
import { useAction } from "../parts/action.js";
import { Choice, Field, linesOf, useFocusedWhen, useMistaken } from "../parts/field.jsx";
import { Notice } from "../parts/notice.jsx";
import { linkTo } from "../place.js";
import { t } from "../texts.js";
import { useCreation } from "../tokens/creation.js";
import { Unsure, userOf } from "../tokens/new.jsx";
import { useVisit } from "../visit.js";
import { isAboutOneOf, wrongWith } from "../words.js";
import { EmbedDialog } from "./made.jsx";

const FIELDS = ["app", "user", "name", "label", "sessionMinutes", "allowedOrigins"];
const LONGEST_SESSION = 576_000;

/** @param {{onOpened: () => void}} props `onOpened`: there may be a session more */
export function NewEmbed({ onOpened }) {
  const { who, settings } = useVisit();
  const [fields, setFields] = useState({
    ...{ app: who.apps[0]?.id ?? "", user: "", label: "", sessionMinutes: "60" },
    ...{ allowedOrigins: "", singleUse: true, topLevel: false },
  });
  const creation = useCreation();
  const { error, isUnsure } = creation;
  const form = useMistaken(error);
  const submit = useFocusedWhen(isUnsure);
  const revocation = useAction();
  const [isRevoked, setRevoked] = useState(false);
  const lost = creation.lost;

  // Nobody has its URL, and nobody will.
  useEffect(() => {
    setRevoked(false);
    if (lost) revocation.run(() => ask("DELETE", `/tokens/${lost.id}`)).then(setRevoked);
  }, [lost]);

  const set = (name) => (event) => setFields({ ...fields, [name]: event.currentTarget.value });
  const app = who.apps.find(({ id }) => id === fields.app);
  if (!settings.creation) return <p>{t("new.off")}</p>;

  function create(event) {
    event.preventDefault();
    creation.create({
      kind: "embed",
      name: t("embed.name", { app: app?.name ?? fields.app }).slice(0, 100),
      app: fields.app,
      user: userOf(fields.user.trim()),
      sessionMinutes: Number(fields.sessionMinutes),
      ...(fields.label.trim() && { label: fields.label.trim() }),
      ...(fields.allowedOrigins.trim() && { allowedOrigins: linesOf(fields.allowedOrigins) }),
      ...(fields.singleUse && { singleUse: true }),
      ...(fields.topLevel && { topLevel: true }),
    });
  }

  const text = (name, label, hint, more) => (
    <Field label={label} hint={hint} error={wrongWith(error, name)}>
      {(attributes) => (
        <input
          {...attributes}
          {...{ autocomplete: "off", spellcheck: false, ...more }}
          value={fields[name]}
          onInput={set(name)}
        />
      )}
    </Field>
  );

  return (
    <>
      <form ref={form} class="form" onSubmit={create}>
        <fieldset disabled={isUnsure}>
          <legend class="hidden">{t("embeds.new")}</legend>
          <Field label={t("app")} error={wrongWith(error, "app")}>
            {(attributes) => (
              <select {...attributes} value={fields.app} onChange={set("app")}>
                {who.apps.map(({ id, name }) => (
                  <option value={id}>{name}</option>
                ))}
              </select>
            )}
          </Field>
          {text("user", t("embed.user"), t("embed.userHint"), { required: true, maxLength: 254 })}
          {text("sessionMinutes", t("embed.minutes"), undefined, {
            ...{ type: "number", required: true, min: 1, max: LONGEST_SESSION },
          })}
          <Field
            label={t("embed.origins")}
            hint={t("embed.originsHint", { origins: app?.allowedOrigins.join(" ") || "–" })}
            error={wrongWith(error, "allowedOrigins")}
          >
            {(attributes) => (
              <textarea
                {...attributes}
                {...{ rows: 2, spellcheck: false, autocomplete: "off" }}
                value={fields.allowedOrigins}
                onInput={set("allowedOrigins")}
              />
            )}
          </Field>
          <details>
            <summary>{t("new.advanced")}</summary>
            {text("label", t("embed.label"), t("embed.labelHint"), { maxLength: 64 })}
            <Choice
              label={t("embed.singleUse")}
              hint={t("embed.singleUseHint")}
              checked={fields.singleUse}
              onChange={(singleUse) => setFields({ ...fields, singleUse })}
            />
            <Choice
              label={t("embed.topLevel")}
              hint={t("embed.topLevelHint")}
              checked={fields.topLevel}
              onChange={(topLevel) => setFields({ ...fields, topLevel })}
            />
          </details>
        </fieldset>
        {isUnsure ? <Unsure /> : null}
        {error && !isUnsure && !isAboutOneOf(error, FIELDS) ? <Notice error={error} /> : null}
        {lost && isRevoked ? <p role="alert">{t("embed.lost")}</p> : null}
        {lost && revocation.error ? <LostEmbed token={lost} /> : null}
        <div class="actions">
          <button type="submit" class="primary" disabled={fields.user.trim() === ""} ref={submit}>
            {t(isUnsure ? "tryAgain" : "embed.create")}
          </button>
        </div>
      </form>
      {creation.made && (
        <EmbedDialog
          made={creation.made}
          onOpened={onOpened}
          onClose={() => {
            creation.done();
            onOpened();
          }}
        />
      )}
    </>
  );
}

/** An embed token that nobody has, and that could not be revoked. */
function LostEmbed({ token }) {
  return (
    <p role="alert">
      {t("embed.lostAlive")} <a href={linkTo("tokens", token.id)}>{t("lost.look")}</a>
    </p>
  );
}
