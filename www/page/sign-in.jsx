// What somebody sees whom the gate does not know.

import { useRef, useState } from "preact/hooks";
import { signIn } from "./gate.js";
import { Brand } from "./parts/brand.jsx";
import { Field, useMistaken } from "./parts/field.jsx";
import { Notice } from "./parts/notice.jsx";
import { t } from "./texts.js";

/**
 * @param {object} props
 * @param {"operatorKey" | "provider"} props.by
 * @param {boolean} props.hasEnded whether somebody was signed in a moment ago
 * @param {() => void} props.onSignedIn
 */
export function SignIn({ by, hasEnded, onSignedIn }) {
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <Brand />
      <h1>{t("signIn.title")}</h1>
      {hasEnded && <p role="alert">{t("signIn.ended")}</p>}
      {by === "provider" ? <ByProvider /> : <ByOperatorKey onSignedIn={onSignedIn} />}
    </main>
  );
}

function ByProvider() {
  return (
    <>
      <p>{t("signIn.provider")}</p>
      <button type="button" class="primary" onClick={() => location.reload()}>
        {t("signIn.again")}
      </button>
    </>
  );
}

function ByOperatorKey({ onSignedIn }) {
  const [key, setKey] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const isBusy = useRef(false);
  const form = useMistaken(error);

  async function submit(event) {
    event.preventDefault();
    if (isBusy.current) return;
    isBusy.current = true;
    setError(null);
    try {
      // People copy the whole line of .dev.vars.
      await signIn(key.trim().replace(/^OPERATOR_KEY=/, ""));
      setKey("");
      onSignedIn();
    } catch (error) {
      setError(error);
    } finally {
      isBusy.current = false;
    }
  }

  const isWrong = error !== null && /** @type {any} */ (error).status === 401;
  return (
    <form ref={form} class="form" onSubmit={submit}>
      <p>{t("signIn.lead")}</p>
      {/* Under this name password managers keep the key. */}
      <input type="text" name="username" autocomplete="username" value="operator" hidden readOnly />
      <Field
        label={t("signIn.key")}
        hint={t("signIn.keyHint")}
        error={isWrong ? t("signIn.wrong") : undefined}
      >
        {(attributes) => (
          <input
            {...attributes}
            {...{ type: "password", required: true, autocomplete: "current-password" }}
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        )}
      </Field>
      {error && !isWrong ? <Notice error={error} /> : null}
      <div class="actions">
        <button type="submit" class="primary" disabled={key.trim() === ""}>
          {t("signIn.do")}
        </button>
      </div>
    </form>
  );
}
