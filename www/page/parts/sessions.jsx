// Live sessions of embeds, each of which can be ended.

import { useState } from "preact/hooks";
import { relative } from "../format.js";
import { ask } from "../gate.js";
import { linkTo, toMain } from "../place.js";
import { t } from "../texts.js";
import { Fact, Time } from "../tokens/list.jsx";
import { appNames } from "../tokens/scopes.js";
import { useList, useVisit } from "../visit.js";
import { useAction } from "./action.js";
import { Confirmation } from "./dialog.jsx";
import { Notice, Waiting } from "./notice.jsx";
import { TransientButton } from "./transient.jsx";

const ENOUGH = 50;

/** @param {{token?: any}} props a token: its sessions alone; none: the workspace's */
export function Sessions({ token }) {
  const { who, announce } = useVisit();
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  const { run, error } = useAction();
  const query = { limit: 100, user: token?.user.id };
  const pick = ({ tokenId }) => !token || tokenId === token.id;
  const sessions = useList("/sessions", query, { enough: ENOUGH, pick });

  async function end() {
    const done = await run(() =>
      doomed === "all"
        ? ask("DELETE", "/sessions", { query: { token: token.id } })
        : ask("DELETE", `/sessions/${doomed.id}`),
    );
    setDoomed(null);
    sessions.reload();
    if (!done) return;
    announce(t("sessions.ended"));
    toMain();
  }

  if (sessions.error) return <Notice error={sessions.error} onRetry={sessions.reload} />;
  return (
    <>
      {error ? <Notice error={error} /> : null}
      {!sessions.isWhole && !sessions.entries.length ? <Waiting /> : null}
      {sessions.isWhole && !sessions.entries.length ? (
        <p class="none">{t("sessions.none")}</p>
      ) : null}
      <ul class="sessions">
        {sessions.entries.map((session) => (
          <li key={session.id} class="session">
            <dl>
              {!token && <Fact name={t("owner")}>{session.user.email ?? session.user.id}</Fact>}
              {!token && <Fact name={t("app")}>{appNames([session.app], who)}</Fact>}
              <Fact name={t("sessions.opened")}>
                <Time time={session.openedAt} />
              </Fact>
              <Fact name={t("sessions.seen")}>
                {session.lastSeenAt ? relative(session.lastSeenAt) : t("unknown")}
              </Fact>
              <Fact name={t("sessions.ends")}>{relative(session.expiresAt)}</Fact>
              <Fact name={t("sessions.page")}>{session.origin ?? t("unknown")}</Fact>
              <Fact name={t("address")}>{session.address ?? t("unknown")}</Fact>
              {!token && (
                <Fact name={t("token.title")}>
                  <a href={linkTo("tokens", session.tokenId)}>{t("sessions.token")}</a>
                </Fact>
              )}
            </dl>
            <button type="button" class="danger" onClick={() => setDoomed(session)}>
              {t("sessions.end")}
            </button>
          </li>
        ))}
      </ul>
      <div class="actions">
        {!sessions.isWhole && sessions.entries.length > 0 && (
          <TransientButton onClick={sessions.more}>{t("list.more")}</TransientButton>
        )}
        <button type="button" onClick={sessions.reload}>
          {t("reload")}
        </button>
        {token && sessions.entries.length > 1 && (
          <button type="button" class="danger" onClick={() => setDoomed("all")}>
            {t("sessions.endAll")}
          </button>
        )}
      </div>
      {doomed && (
        <Confirmation
          title={t(doomed === "all" ? "sessions.endAll" : "sessions.end")}
          action={t("sessions.confirm")}
          onConfirm={end}
          onClose={() => setDoomed(null)}
        >
          <p>{t("sessions.means")}</p>
        </Confirmation>
      )}
    </>
  );
}
