// The audit trail: filtered, and exported as a file.

import { useEffect, useRef, useState } from "preact/hooks";
import { send } from "../gate.js";
import { useAction } from "../parts/action.js";
import { Events } from "../parts/events.jsx";
import { Field } from "../parts/field.jsx";
import { Notice } from "../parts/notice.jsx";
import { save } from "../parts/save.js";
import { t } from "../texts.js";

const ACTIONS = /** @type {const} */ ([
  ...["token.created", "token.changed", "token.enabled", "token.disabled", "token.rotated"],
  ...["token.revoked", "token.leaked", "token.refused", "session.opened", "session.killed"],
  ...["sessions.killed", "settings.changed", "operator.signed_in", "operator.signed_out"],
]);
const NOTHING = { user: "", action: "", token: "", from: "", to: "" };

export function Audit() {
  const [fields, setFields] = useState(NOTHING);
  const [query, setQuery] = useState(/** @type {Record<string, string | undefined>} */ ({}));
  const set = (name) => (event) => setFields({ ...fields, [name]: event.currentTarget.value });

  function apply(event) {
    event.preventDefault();
    const { from, to, ...others } = fields;
    setQuery({ ...others, from: timeOf(from), to: timeOf(to) });
  }

  const input = (name, label, more) => (
    <Field label={label}>
      {(attributes) => <input {...attributes} {...more} value={fields[name]} onInput={set(name)} />}
    </Field>
  );

  return (
    <>
      <form class="filters" role="search" onSubmit={apply}>
        {input("user", t("audit.user"), { type: "search", autocomplete: "off" })}
        <Field label={t("audit.action")}>
          {(attributes) => (
            <select {...attributes} value={fields.action} onChange={set("action")}>
              <option value="">{t("list.all")}</option>
              {ACTIONS.map((action) => (
                <option value={action}>{t(`action.${action}`)}</option>
              ))}
            </select>
          )}
        </Field>
        {input("token", t("audit.token"), { type: "search", autocomplete: "off" })}
        {input("from", t("audit.from"), { type: "datetime-local" })}
        {input("to", t("audit.to"), { type: "datetime-local" })}
        <button type="submit" class="primary">
          {t("audit.show")}
        </button>
      </form>
      <p class="hint">{t("audit.order")}</p>
      <Export query={query} />
      <Events query={query} enough={50} isWide />
    </>
  );
}

/** What a field of the browser's time zone says, as the API wants it. */
function timeOf(local) {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString().replace(/\.\d+Z$/, "Z");
}

/** All events that the filter lets through, in a file with one a line. */
function Export({ query }) {
  const { run, error } = useAction();
  const [count, setCount] = useState(/** @type {number | null} */ (null));
  const aborter = useRef(/** @type {AbortController | null} */ (null));
  const start = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const stop = useRef(/** @type {HTMLButtonElement | null} */ (null));

  useEffect(() => () => aborter.current?.abort(), []);

  const download = () =>
    run(async () => {
      aborter.current = new AbortController();
      const { signal } = aborter.current;
      try {
        const parts = [];
        setCount(0);
        for await (const lines of exported(query, signal)) {
          parts.push(lines);
          const ends = lines.match(/\n/g)?.length ?? 0;
          setCount((count) => (count ?? 0) + ends);
        }
        save("gatepass-audit.ndjson", parts.join(""), "application/x-ndjson");
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        setCount(null);
        // With it goes the button that stops it.
        if (document.activeElement === stop.current) start.current?.focus();
      }
    });

  return (
    <>
      {error ? <Notice error={error} /> : null}
      <div class="actions">
        <button type="button" ref={start} onClick={download}>
          {t("audit.export")}
        </button>
        {count !== null && (
          <>
            <span role="status">{t("audit.exported", { count })}</span>
            <button type="button" ref={stop} onClick={() => aborter.current?.abort()}>
              {t("cancel")}
            </button>
          </>
        )}
      </div>
    </>
  );
}

async function* exported(query, signal) {
  const headers = { accept: "application/x-ndjson" };
  let answer = await send("GET", "/audit", { query: { ...query, limit: 100 }, headers, signal });
  for (;;) {
    yield await answer.text();
    const next = /<([^>]+)>; *rel="?next"?/.exec(answer.headers.get("link") ?? "")?.[1];
    if (!next) return;
    answer = await send("GET", next, { headers, signal });
  }
}
