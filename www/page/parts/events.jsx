// Events of the audit trail, in words.

import { instant } from "../format.js";
import { linkTo } from "../place.js";
import { known, t } from "../texts.js";
import { useList, useVisit } from "../visit.js";
import { Notice, Waiting } from "./notice.jsx";
import { TransientButton } from "./transient.jsx";

/**
 * @param {object} props
 * @param {Record<string, string | undefined>} props.query
 * @param {number} [props.enough]
 * @param {boolean} [props.isWide] of the workspace: whom and which token an event is about
 */
export function Events({ query, enough = 20, isWide = false }) {
  const events = useList("/audit", { limit: Math.min(enough, 100), ...query }, { enough });
  if (events.error) return <Notice error={events.error} onRetry={events.reload} />;
  return (
    <>
      {!events.isWhole && !events.entries.length ? <Waiting /> : null}
      {events.isWhole && !events.entries.length ? <p class="none">{t("events.none")}</p> : null}
      <ul class="events" aria-busy={events.isLoading}>
        {events.entries.map((event) => (
          <li key={event.id}>
            <Event event={event} isWide={isWide} />
          </li>
        ))}
      </ul>
      {!events.isWhole && events.entries.length > 0 && (
        <TransientButton onClick={events.more}>{t("list.more")}</TransientButton>
      )}
    </>
  );
}

function Event({ event, isWide }) {
  const { at, action, result, actor, user, token, address, userAgent } = event;
  return (
    <>
      <p class="event">
        <strong>{known(`action.${action}`) ?? action}</strong>
        {result !== "ok" && <span class="refused">: {known(`result.${result}`) ?? result}</span>}
      </p>
      <p class="event-facts">
        <time dateTime={at}>{instant(at)}</time>
        <span>{t("events.by", { actor: useActor(actor) })}</span>
        {isWide && user && <span>{t("events.for", { user })}</span>}
        {isWide && token && (
          <span>
            <a href={linkTo("tokens", token)}>{t("events.token")}</a>
          </span>
        )}
        {address && <span>{address}</span>}
        {userAgent && <span class="agent">{userAgent}</span>}
      </p>
    </>
  );
}

/** Who did it, in words. */
function useActor(actor) {
  const { who } = useVisit();
  if (actor === `user:${who.user?.id}`) return t("actor.you");
  if (actor.startsWith("user:")) return actor.slice("user:".length);
  return known(`actor.${actor}`) ?? t("actor.token", { id: actor });
}
