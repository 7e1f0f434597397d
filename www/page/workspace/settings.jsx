// The settings of a workspace.

import { useId, useState } from "preact/hooks";
import { list } from "../format.js";
import { ask } from "../gate.js";
import { useAction } from "../parts/action.js";
import { Choice, Field, linesOf, useMistaken } from "../parts/field.jsx";
import { Notice, Waiting } from "../parts/notice.jsx";
import { TransientButton } from "../parts/transient.jsx";
import { t } from "../texts.js";
import { choosable } from "../tokens/scopes.js";
import { useLoaded, useVisit } from "../visit.js";
import { isAboutOneOf, wrongWith } from "../words.js";

const LONGEST = 36_525;
const FIELDS = ["maxLifetimeDays", "defaultLifetimeDays", "scopes", "allowedOrigins"];

/** As they are now: all of them are saved, and the page may have been open for long. */
export function Settings() {
  const settings = useLoaded((signal) => ask("GET", "/settings", { signal }), []);
  if (settings.error) return <Notice error={settings.error} onRetry={settings.reload} />;
  return settings.value ? <Form settings={settings.value} /> : <Waiting />;
}

/** @param {{settings: import("../visit.js").Settings}} props */
function Form({ settings }) {
  const { setSettings, announce } = useVisit();
  const { run, error } = useAction();
  const form = useMistaken(error);
  const [fields, setFields] = useState({
    ...settings,
    isBounded: settings.maxLifetimeDays !== null,
    origins: settings.allowedOrigins.join("\n"),
  });
  const set = (name) => (value) => setFields({ ...fields, [name]: value });
  /** @param {"authentication" | "creation" | "knownUsersOnly" | "neverAllowed"} name */
  const flag = (name) => (
    <Choice
      label={t(`settings.${name}`)}
      hint={t(`settings.${name}Hint`)}
      checked={fields[name]}
      onChange={set(name)}
    />
  );
  /** @param {"defaultLifetimeDays" | "maxLifetimeDays"} name */
  const days = (name) => (
    <Field label={t(`settings.${name}`)} error={wrongWith(error, name)}>
      {(attributes) => (
        <input
          {...attributes}
          {...{ type: "number", required: true, min: 1, max: LONGEST }}
          value={fields[name] ?? ""}
          onInput={({ currentTarget: { valueAsNumber } }) =>
            set(name)(Number.isNaN(valueAsNumber) ? null : valueAsNumber)
          }
        />
      )}
    </Field>
  );

  async function save(event) {
    event.preventDefault();
    const { isBounded, origins, ...others } = fields;
    const body = {
      ...others,
      maxLifetimeDays: isBounded ? fields.maxLifetimeDays : null,
      neverAllowed: fields.neverAllowed && !isBounded,
      scopes: fields.scopes.filter(({ name }) => name.trim() !== ""),
      allowedOrigins: linesOf(origins),
    };
    const done = await run(async () => {
      const saved = await ask("PUT", "/settings", { body });
      setSettings(saved);
      setFields({ ...fields, ...saved });
    });
    if (done) announce(t("saved"));
  }

  return (
    <form ref={form} class="form" onSubmit={save}>
      <fieldset>
        <legend>{t("settings.switches")}</legend>
        {flag("authentication")}
        {flag("creation")}
        <Choice
          label={t("settings.admins")}
          hint={t("settings.adminsHint")}
          checked={fields.whoMayCreate === "admins"}
          onChange={(isOn) => set("whoMayCreate")(isOn ? "admins" : "everyone")}
        />
        {flag("knownUsersOnly")}
      </fieldset>
      <fieldset>
        <legend>{t("settings.lifetime")}</legend>
        {days("defaultLifetimeDays")}
        <Choice
          label={t("settings.bounded")}
          checked={fields.isBounded}
          onChange={(isBounded) =>
            setFields({
              ...fields,
              isBounded,
              maxLifetimeDays: fields.maxLifetimeDays ?? fields.defaultLifetimeDays,
            })
          }
        />
        {fields.isBounded ? days("maxLifetimeDays") : flag("neverAllowed")}
      </fieldset>
      <ScopesOnOffer
        scopes={fields.scopes}
        onChange={set("scopes")}
        error={wrongWith(error, "scopes")}
      />
      <fieldset>
        <legend>{t("settings.embeds")}</legend>
        <Field
          label={t("embed.origins")}
          hint={t("settings.originsHint")}
          error={wrongWith(error, "allowedOrigins")}
        >
          {(attributes) => (
            <textarea
              {...attributes}
              {...{ rows: 3, spellcheck: false, autocomplete: "off" }}
              value={fields.origins}
              onInput={({ currentTarget }) => set("origins")(currentTarget.value)}
            />
          )}
        </Field>
      </fieldset>
      {error && !isAboutOneOf(error, FIELDS) ? <Notice error={error} /> : null}
      <div class="actions">
        <button type="submit" class="primary">
          {t("save")}
        </button>
      </div>
    </form>
  );
}

function ScopesOnOffer({ scopes, onChange, error }) {
  const { who } = useVisit();
  const names = useId();
  const known = choosable({ scopes: [] }, who).map(({ name }) => name);
  const change = (at, name) => (event) =>
    onChange(
      scopes.map((scope, other) =>
        other === at ? { ...scope, [name]: event.currentTarget.value } : scope,
      ),
    );
  return (
    <fieldset>
      <legend>{t("settings.scopes")}</legend>
      <p class="hint">{t("settings.scopesHint")}</p>
      <p class="hint">{t("settings.scopesKnown", { scopes: list(known) })}</p>
      <datalist id={names}>
        {known.map((name) => (
          <option value={name} />
        ))}
      </datalist>
      {scopes.map((scope, at) => (
        <div class="row" role="group" aria-label={t("settings.scope", { count: at + 1 })}>
          <Field label={t("name")}>
            {(attributes) => (
              <input
                {...attributes}
                {...{ maxLength: 64, autocomplete: "off", spellcheck: false, list: names }}
                value={scope.name}
                onInput={change(at, "name")}
              />
            )}
          </Field>
          <Field label={t("settings.scopeMeans")}>
            {(attributes) => (
              <input
                {...attributes}
                {...{ maxLength: 500, autocomplete: "off" }}
                value={scope.description}
                onInput={change(at, "description")}
              />
            )}
          </Field>
          <TransientButton
            label={t("settings.removeScope", { name: scope.name })}
            onClick={() => onChange(scopes.filter((_, other) => other !== at))}
          >
            {t("remove")}
          </TransientButton>
        </div>
      ))}
      {error ? <p class="error">{error}</p> : null}
      <button type="button" onClick={() => onChange([...scopes, { name: "", description: "" }])}>
        {t("settings.addScope")}
      </button>
    </fieldset>
  );
}
