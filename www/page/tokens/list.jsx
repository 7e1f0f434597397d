// Tokens, one below the other: searched, filtered, sorted.

import { useEffect, useState } from "preact/hooks";
import { dateAndTime, relative, standing } from "../format.js";
import { Notice } from "../parts/notice.jsx";
import { TransientButton } from "../parts/transient.jsx";
import { linkTo } from "../place.js";
import { t } from "../texts.js";
import { useList, useVisit } from "../visit.js";
import { inOneLine } from "./scopes.js";

const STATES = /** @type {const} */ (["active", "disabled", "used", "revoked", "expired"]);
const KINDS = /** @type {const} */ (["pat", "embed"]);
const TYPING = 250;

const OWN = 1000;
const EVERYBODYS = 100;

const never = Infinity;
const timeOf = (time) => (time === null ? never : new Date(time).getTime());
const ORDERS = {
  newest: (one, other) => timeOf(other.createdAt) - timeOf(one.createdAt),
  name: (one, other) => one.name.localeCompare(other.name),
  ending: (one, other) => timeOf(one.expiresAt) - timeOf(other.expiresAt) || 0,
  used: (one, other) => lastUse(other) - lastUse(one),
};
const lastUse = ({ lastUsedAt }) => (lastUsedAt === null ? 0 : timeOf(lastUsedAt));

/**
 * @param {object} props
 * @param {boolean} [props.ofEverybody] the workspace's, with their owners; else one's own
 * @param {import("preact").ComponentChildren} props.empty what to say if there is none at all
 */
export function TokenList({ ofEverybody = false, empty }) {
  const { who } = useVisit();
  const [filter, setFilter] = useState({ search: "", user: "", state: "", kind: "" });
  const [order, setOrder] = useState(/** @type {keyof typeof ORDERS} */ ("newest"));
  const typed = useDelayed(filter);
  const user = ofEverybody ? typed.user : who.user?.id;
  const { search, state, kind } = typed;
  const query = { limit: 100, search: search.trim(), state, kind, user };
  const tokens = useList("/tokens", query, { enough: ofEverybody ? EVERYBODYS : OWN });
  const isFiltered = Object.values(typed).some((value) => value.trim() !== "");
  const sorted = tokens.entries.toSorted(ORDERS[order]);
  const set = (name) => (event) => setFilter({ ...filter, [name]: event.currentTarget.value });

  if (tokens.isWhole && !tokens.error && !sorted.length && !isFiltered) {
    return <div class="empty">{empty}</div>;
  }
  return (
    <>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          {t("list.search")}
          <input type="search" maxLength={100} value={filter.search} onInput={set("search")} />
        </label>
        {ofEverybody && (
          <label>
            {t("list.owner")}
            <input type="search" value={filter.user} onInput={set("user")} />
          </label>
        )}
        <Select label={t("list.state")} value={filter.state} onChange={set("state")}>
          <option value="">{t("list.all")}</option>
          {STATES.map((state) => (
            <option value={state}>{t(`state.${state}`)}</option>
          ))}
        </Select>
        <Select label={t("list.kind")} value={filter.kind} onChange={set("kind")}>
          <option value="">{t("list.all")}</option>
          {KINDS.map((kind) => (
            <option value={kind}>{t(`kind.${kind}`)}</option>
          ))}
        </Select>
        <Select
          label={t("list.order")}
          value={order}
          onChange={({ currentTarget }) => setOrder(currentTarget.value)}
        >
          {Object.keys(ORDERS).map((order) => (
            <option value={order}>{t(/** @type {any} */ (`list.order.${order}`))}</option>
          ))}
        </Select>
      </form>
      {tokens.error ? <Notice error={tokens.error} onRetry={tokens.reload} /> : null}
      <p class="count" role="status">
        {tokens.isLoading && t("loading")}
        {!tokens.isLoading &&
          !tokens.error &&
          t(tokens.isWhole ? "list.count" : "list.countSoFar", {
            count: sorted.length,
          })}
      </p>
      <ul class="tokens" aria-busy={tokens.isLoading}>
        {sorted.map((token) => (
          <TokenRow key={token.id} token={token} showOwner={ofEverybody} />
        ))}
      </ul>
      {!tokens.isWhole && tokens.entries.length > 0 && (
        <TransientButton onClick={tokens.more}>{t("list.more")}</TransientButton>
      )}
    </>
  );
}

function Select({ label, value, onChange, children }) {
  return (
    <label>
      {label}
      <select value={value} onChange={onChange}>
        {children}
      </select>
    </label>
  );
}

function TokenRow({ token, showOwner }) {
  const { who, settings } = useVisit();
  return (
    <li class="token">
      <div class="token-name">
        <h2>
          <a href={linkTo("tokens", token.id)}>{token.name}</a>
        </h2>
        <State token={token} />
      </div>
      {token.description && <p class="description">{token.description}</p>}
      <p class="may">{inOneLine(token, settings, who)}</p>
      <dl>
        {showOwner && <Fact name={t("owner")}>{token.user.email ?? token.user.id}</Fact>}
        <Fact name={t("start")}>
          <code>{looksLike(token)}</code>
        </Fact>
        <Fact name={t("created")}>
          <Time time={token.createdAt} />
        </Fact>
        <Fact name={t(standing(token) === "expired" ? "ended" : "expires")}>
          {token.expiresAt === null ? t("never") : <Time time={token.expiresAt} />}
        </Fact>
        <Fact name={t("lastUsed")}>
          {token.lastUsedAt === null ? t("notUsed") : <Time time={token.lastUsedAt} />}
        </Fact>
      </dl>
    </li>
  );
}

/** What a token looks like: its start leaves out the four characters that name its ledger. */
export const looksLike = ({ start }) => `${start.slice(0, -4)}····${start.slice(-4)}…`;

/** A term and what it is. */
export function Fact({ name, children }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A time, exact and as seen from now. */
export function Time({ time }) {
  return (
    <time dateTime={time}>
      {dateAndTime(time)} <span class="relative">({relative(time)})</span>
    </time>
  );
}

/** The state in a word, told apart by more than its colour. */
export function State({ token }) {
  const state = standing(token);
  return <span class={`state ${state}`}>{t(/** @type {any} */ (`state.${state}`))}</span>;
}

/** A value that changes once typing has stopped. */
function useDelayed(value) {
  const [delayed, setDelayed] = useState(value);
  useEffect(() => {
    const timer = setTimeout(setDelayed, TYPING, value);
    return () => clearTimeout(timer);
  }, [JSON.stringify(value)]);
  return delayed;
}
