// The form that makes a token.

import { useState } from "preact/hooks";
import { date, inDays, list } from "../format.js";
import { Choice, Field, linesOf, useFocusedWhen, useMistaken } from "../parts/field.jsx";
import { Notice } from "../parts/notice.jsx";
import { t } from "../texts.js";
import { useVisit } from "../visit.js";
import { isAboutOneOf, wrongWith } from "../words.js";
import { useCreation } from "./creation.js";
import { asked, days, lifetimes, mayLiveForever } from "./lifetime.js";
import { LostSecret } from "./lost.jsx";
import { choosable } from "./scopes.js";
import { SecretDialog } from "./secret.jsx";

const FIELDS = [
  "name",
  "description",
  "scopes",
  "apps",
  "expiresAt",
  "expiresInDays",
  "allowedIps",
];

export function NewToken() {
  const { who, isAdmin, settings } = useVisit();
  if (!settings.creation) return <Closed>{t("new.off")}</Closed>;
  if (!isAdmin && settings.whoMayCreate === "admins") return <Closed>{t("new.admins")}</Closed>;
  return <Form {...{ who, isAdmin, settings }} />;
}

/** The explanation in place of the form. */
function Closed({ children }) {
  return (
    <>
      <h1>{t("new.title")}</h1>
      <div class="empty">
        <p>{children}</p>
      </div>
    </>
  );
}

function Form({ who, isAdmin, settings }) {
  const [fields, setFields] = useState({
    ...{ name: "", description: "", scopes: /** @type {string[]} */ ([]) },
    apps: /** @type {string[]} */ ([]),
    ...{ lifetime: String(settings.defaultLifetimeDays), day: "", allowedIps: "", strict: false },
    owner: "",
  });
  const creation = useCreation();
  const { error, isBusy, isUnsure } = creation;
  const form = useMistaken(error);
  const submit = useFocusedWhen(isUnsure);
  const set = (name, value) => setFields({ ...fields, [name]: value });
  const onInput = (name) => (event) => set(name, event.currentTarget.value);
  const lifetime = asked(fields.lifetime, fields.day, settings);
  const needsOwner = who.user === null;
  const isReady =
    fields.name.trim() !== "" &&
    lifetime !== undefined &&
    (!needsOwner || fields.owner.trim() !== "");

  function toggled(name, value, isOn) {
    set(name, isOn ? [...fields[name], value] : fields[name].filter((other) => other !== value));
  }

  function generate(event) {
    event.preventDefault();
    creation.create({
      name: fields.name.trim(),
      ...(fields.description.trim() && { description: fields.description.trim() }),
      ...(fields.scopes.length && { scopes: fields.scopes }),
      ...(fields.apps.length && { apps: fields.apps }),
      ...lifetime,
      ...(fields.allowedIps.trim() && { allowedIps: linesOf(fields.allowedIps) }),
      ...(fields.strict && { strict: true }),
      // Whom the page shows: by now the browser may be signed in as somebody else.
      user: fields.owner.trim() ? userOf(fields.owner.trim()) : { id: who.user.id },
    });
  }

  return (
    <>
      <h1>{t("new.title")}</h1>
      <p class="lead">{t("new.lead")}</p>
      <form ref={form} class="form" onSubmit={generate}>
        <fieldset disabled={isUnsure}>
          <legend class="hidden">{t("new.title")}</legend>
          {needsOwner && <Owner value={fields.owner} onInput={onInput("owner")} error={error} />}
          <Field label={t("name")} hint={t("new.nameHint")} error={wrongWith(error, "name")}>
            {(attributes) => (
              <input
                {...attributes}
                {...{ required: true, maxLength: 100, autocomplete: "off" }}
                value={fields.name}
                onInput={onInput("name")}
              />
            )}
          </Field>
          <Field
            label={t("descriptionOptional")}
            hint={t("new.descriptionHint")}
            error={wrongWith(error, "description")}
          >
            {(attributes) => (
              <textarea
                {...attributes}
                {...{ maxLength: 500, rows: 2 }}
                value={fields.description}
                onInput={onInput("description")}
              />
            )}
          </Field>
          <fieldset>
            <legend>{t("new.scopes")}</legend>
            <p class="hint">{t("new.scopesHint")}</p>
            {isAdmin && settings.scopes.length > 0 && (
              <p class="hint">
                {t("new.scopesOfAdmins", { scopes: list(settings.scopes.map(({ name }) => name)) })}
              </p>
            )}
            {choosable(settings, who).map(({ name, description }) => (
              <Choice
                label={name}
                hint={description}
                checked={fields.scopes.includes(name)}
                onChange={(isOn) => toggled("scopes", name, isOn)}
              />
            ))}
            <Wrong error={wrongWith(error, "scopes")} />
          </fieldset>
          {who.apps.length > 0 && fields.scopes.includes("tokens") && (
            <fieldset>
              <legend>{t("new.apps")}</legend>
              <p class="hint">{t("new.appsHint")}</p>
              {[...who.apps, { id: "*", name: t("apps.all") }].map(({ id, name }) => (
                <Choice
                  label={name}
                  checked={fields.apps.includes(id)}
                  onChange={(isOn) => toggled("apps", id, isOn)}
                  disabled={id !== "*" && fields.apps.includes("*")}
                />
              ))}
              <Wrong error={wrongWith(error, "apps")} />
            </fieldset>
          )}
          <Lifetime {...{ fields, set, settings, error }} />
          <details>
            <summary>{t("new.advanced")}</summary>
            {isAdmin && !needsOwner && (
              <Owner value={fields.owner} onInput={onInput("owner")} error={error} isOptional />
            )}
            <Field
              label={t("new.addresses")}
              hint={t("new.addressesHint")}
              error={wrongWith(error, "allowedIps")}
            >
              {(attributes) => (
                <textarea
                  {...attributes}
                  {...{ rows: 3, spellcheck: false, autocomplete: "off" }}
                  value={fields.allowedIps}
                  onInput={onInput("allowedIps")}
                />
              )}
            </Field>
            <Choice
              label={t("new.strict")}
              hint={t("new.strictHint")}
              checked={fields.strict}
              onChange={(strict) => set("strict", strict)}
            />
          </details>
        </fieldset>
        {isUnsure ? <Unsure /> : null}
        {error && !isUnsure && !isAboutOneOf(error, FIELDS) ? <Notice error={error} /> : null}
        <div class="actions">
          <button type="submit" class="primary" disabled={!isReady} ref={submit}>
            {t(isBusy ? "new.generating" : isUnsure ? "tryAgain" : "new.generate")}
          </button>
        </div>
      </form>
      {creation.lost && <LostSecret token={creation.lost} onFound={creation.found} />}
      {creation.made && <SecretDialog made={creation.made} onClose={creation.done} />}
    </>
  );
}

/** What to do where no answer came. */
export function Unsure() {
  return (
    <p class="notice" role="alert">
      {t("new.unsure")}
    </p>
  );
}

/** An e-mail address, or an id. */
export const userOf = (text) => (text.includes("@") ? { email: text } : { id: text });

function Owner({ value, onInput, error, isOptional = false }) {
  return (
    <Field
      label={t(isOptional ? "new.ownerOptional" : "new.owner")}
      hint={t("new.ownerHint")}
      error={wrongWith(error, "user")}
    >
      {(attributes) => (
        <input
          {...attributes}
          {...{ required: !isOptional, maxLength: 254, autocomplete: "off", spellcheck: false }}
          {...{ value, onInput }}
        />
      )}
    </Field>
  );
}

function Lifetime({ fields, set, settings, error }) {
  const choose = (choice) => () => set("lifetime", choice);
  const { min, max } = days(settings);
  const option = (choice, label, hint) => (
    <Choice
      {...{ type: "radio", name: "lifetime", label, hint }}
      checked={fields.lifetime === choice}
      onChange={choose(choice)}
    />
  );
  return (
    <fieldset>
      <legend>{t("expires")}</legend>
      {lifetimes(settings).map((count) =>
        option(
          String(count),
          t("new.days", { count }),
          t("new.until", { date: date(inDays(count)) }),
        ),
      )}
      {option("date", t("new.date"), undefined)}
      {fields.lifetime === "date" && (
        <Field label={t("new.day")}>
          {(attributes) => (
            <input
              {...attributes}
              {...{ type: "date", required: true, min, max }}
              value={fields.day}
              onInput={({ currentTarget }) => set("day", currentTarget.value)}
            />
          )}
        </Field>
      )}
      {mayLiveForever(settings) && option("never", t("never"), t("new.neverHint"))}
      {settings.maxLifetimeDays !== null && (
        <p class="hint">{t("new.bound", { count: settings.maxLifetimeDays })}</p>
      )}
      <Wrong error={wrongWith(error, "expiresInDays") ?? wrongWith(error, "expiresAt")} />
    </fieldset>
  );
}

function Wrong({ error }) {
  return error ? <p class="error">{error}</p> : null;
}
