// One token: what it is, what can be done with it, its sessions and what happened to it.

import { useState } from "preact/hooks";
import { list, relative } from "../format.js";
import { ask, Refusal } from "../gate.js";
import { Events } from "../parts/events.jsx";
import { Notice, Waiting } from "../parts/notice.jsx";
import { Sessions } from "../parts/sessions.jsx";
import { linkTo } from "../place.js";
import { t } from "../texts.js";
import { useLoaded, useVisit } from "../visit.js";
import { Actions } from "./actions.jsx";
import { Fact, looksLike, State, Time } from "./list.jsx";
import { appNames, inOneLine, meaning } from "./scopes.js";

/** @param {{id: string}} props */
export function Token({ id }) {
  const { who } = useVisit();
  const token = useLoaded((signal) => read(id, signal), [id]);
  const [changes, setChanges] = useState(0);

  function onChange(changed) {
    token.set(changed);
    setChanges((changes) => changes + 1);
  }

  if (token.error) {
    return (
      <>
        <h1>{t("token.title")}</h1>
        <Notice error={token.error} onRetry={token.reload} />
        <p>
          <a href={linkTo("tokens")}>{t("token.all")}</a>
        </p>
      </>
    );
  }
  if (!token.value) return <Waiting />;
  const isOwn = !who.user || token.value.user.id === who.user.id;
  return (
    <>
      <p class="back">
        <a href={isOwn ? linkTo("tokens") : linkTo("workspace", "tokens")}>{t("token.all")}</a>
      </p>
      <div class="title">
        <h1>{token.value.name}</h1>
        <State token={token.value} />
      </div>
      {token.value.description && <p class="description">{token.value.description}</p>}
      <Explanation token={token.value} />
      <Actions token={token.value} onChange={onChange} />
      <Facts token={token.value} />
      {token.value.kind === "embed" && (
        <section>
          <h2>{t("token.sessions")}</h2>
          <Sessions token={token.value} key={changes} />
        </section>
      )}
      <section>
        <h2>{t("token.history")}</h2>
        <Events query={{ token: id }} key={changes} />
      </section>
    </>
  );
}

async function read(id, signal) {
  // In a path, "self" and ".." mean something else.
  if (!/^\w{4}-\w{26}$/.test(id)) throw new Refusal({ status: 404, code: "token_unknown" });
  return ask("GET", `/tokens/${id}`, { signal });
}

/** What a state means, where it needs to be said. */
function Explanation({ token }) {
  if (token.state === "active") return null;
  return <p class="explanation">{t(/** @type {any} */ (`state.${token.state}.means`))}</p>;
}

function Scopes({ token }) {
  const { who, settings } = useVisit();
  return (
    <ul class="scopes">
      {token.scopes.map((name) => (
        <li key={name}>
          <code>{name}</code> <span class="hint">{meaning(name, settings, who)}</span>
        </li>
      ))}
    </ul>
  );
}

function Facts({ token }) {
  const { who, settings, isAdmin } = useVisit();
  const isEmbed = token.kind === "embed";
  return (
    <dl class="facts">
      {isAdmin && (
        <Fact name={t("owner")}>
          {[...new Set([token.user.email, token.user.id])].filter(Boolean).join(", ")}
        </Fact>
      )}
      <Fact name={t("token.may")}>
        {token.scopes.length ? <Scopes token={token} /> : inOneLine(token, settings, who)}
      </Fact>
      {!isEmbed && token.apps.length > 0 && (
        <Fact name={t("new.apps")}>{list(appNames(token.apps, who))}</Fact>
      )}
      {isEmbed && token.label && <Fact name={t("embed.label")}>{token.label}</Fact>}
      {isEmbed && (
        <Fact name={t("embed.origins")}>
          {token.allowedOrigins.length ? list(token.allowedOrigins) : t("embed.originsOfApp")}
        </Fact>
      )}
      <Fact name={t("start")}>
        <code>{looksLike(token)}</code>
      </Fact>
      <Fact name={t("created")}>
        <Time time={token.createdAt} />
      </Fact>
      <Fact name={t("expires")}>
        {token.expiresAt === null ? t("never") : <Time time={token.expiresAt} />}
      </Fact>
      <Fact name={t("lastUsed")}>
        {token.lastUsedAt === null ? t("notUsed") : relative(token.lastUsedAt)}
      </Fact>
      {token.allowedIps.length > 0 && (
        <Fact name={t("new.addresses")}>{list(token.allowedIps)}</Fact>
      )}
      {token.strict && <Fact name={t("token.checked")}>{t("token.strict")}</Fact>}
      {token.parent && (
        <Fact name={t("token.parent")}>
          <a href={linkTo("tokens", token.parent)}>{token.parent}</a>
        </Fact>
      )}
      <Fact name={t("token.id")}>
        <code>{token.id}</code>
      </Fact>
    </dl>
  );
}
