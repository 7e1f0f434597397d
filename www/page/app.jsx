// The frame of the page, and which screen is in it.

import { useEffect, useRef, useState } from "preact/hooks";
import { Embeds } from "./embeds/embeds.jsx";
import { ask, chosenWorkspace } from "./gate.js";
import { Brand } from "./parts/brand.jsx";
import { Announcement } from "./parts/announcement.jsx";
import { Notice } from "./parts/notice.jsx";
import { linkTo, toMain, usePlace } from "./place.js";
import { SignIn } from "./sign-in.jsx";
import { t } from "./texts.js";
import { TokenList } from "./tokens/list.jsx";
import { NewToken } from "./tokens/new.jsx";
import { Token } from "./tokens/token.jsx";
import { isSignedOut, VisitContext } from "./visit.js";
import { Workspace } from "./workspace/workspace.jsx";

const ANNOUNCED = 6000;

/** Asks who is here, and shows what they may see. */
export function App() {
  const [visit, setVisit] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [hasEnded, setEnded] = useState(false);
  const isFirst = useRef(true);

  async function arrive() {
    setError(null);
    try {
      const who = await whoIsHere();
      const settings = who.role && (await ask("GET", "/settings"));
      setVisit({ who, settings });
    } catch (error) {
      setError(error);
    }
  }

  useEffect(() => void arrive(), []);

  // Whoever signs in or out, or tries again, is at the beginning of what comes then.
  useEffect(() => {
    if (!visit && !error) return;
    if (isFirst.current) isFirst.current = false;
    else if (document.activeElement === document.body) toMain();
  }, [visit, error]);

  async function signedOut() {
    setEnded(true);
    await arrive();
  }

  async function signOut() {
    try {
      await ask("DELETE", "/sign-in");
      setEnded(false);
      await arrive();
    } catch (error) {
      setError(error);
    }
  }

  if (error) {
    return (
      <main id="main" class="narrow" tabIndex={-1}>
        <Brand />
        <h1>{t("error.title")}</h1>
        <Notice error={error} onRetry={arrive} />
        {chosenWorkspace() !== null && <a href="/gatepass/">{t("workspace.first")}</a>}
      </main>
    );
  }
  if (!visit) return null;
  const { who, settings } = visit;
  if (!who.role) {
    return <SignIn by={who.signIn} hasEnded={hasEnded} onSignedIn={arrive} />;
  }
  const setSettings = (settings) => setVisit({ who, settings });
  return <Frame {...{ who, settings, setSettings, signedOut, signOut }} />;
}

/**
 * Who is here. A sign-in that has ended is taken away, so that the next answer is "nobody"; where that
 * cannot be, somebody else than the gate signs people in.
 */
async function whoIsHere() {
  try {
    return await ask("GET", "/sign-in").catch(async (error) => {
      if (!isSignedOut(error)) throw error;
      await ask("DELETE", "/sign-in");
      return ask("GET", "/sign-in");
    });
  } catch (error) {
    if (!isSignedOut(error)) throw error;
    return { role: null, signIn: "provider" };
  }
}

function Frame({ who, settings, setSettings, signedOut, signOut }) {
  const place = usePlace();
  const [announced, setAnnounced] = useState("");
  const ending = useRef(0);
  const isFirst = useRef(true);
  const isAdmin = who.role === "admin";
  const screen = screenOf(place, isAdmin);

  // Whoever goes to another screen is at its beginning, by keyboard and by ear.
  useEffect(() => {
    document.title = t("documentTitle", { screen: t(titleOf(screen, who)) });
    if (isFirst.current) isFirst.current = false;
    else toMain();
  }, [place.join("/")]);

  function announce(text) {
    // The same text twice is said twice.
    setAnnounced("");
    setTimeout(setAnnounced, 50, text);
    clearTimeout(ending.current);
    ending.current = setTimeout(setAnnounced, ANNOUNCED, "");
  }

  const visit = { who, settings, setSettings, isAdmin, announce, announced, signedOut };
  return (
    <VisitContext.Provider value={visit}>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), toMain())}>
        {t("skip")}
      </a>
      <Header {...{ who, screen, signOut }} />
      <main id="main" tabIndex={-1}>
        <Screen {...{ screen, place, who }} />
      </main>
      <Announcement />
    </VisitContext.Provider>
  );
}

/** @param {string[]} place */
function screenOf([first, second], isAdmin) {
  if (first === "tokens" && second) return "token";
  if (first === "new") return "new";
  if (isAdmin && (first === "embeds" || first === "workspace")) return first;
  return "tokens";
}

const titleOf = (screen, who) =>
  screen === "tokens" && !who.user ? "nav.allTokens" : /** @type {any} */ (`nav.${screen}`);

function Header({ who, screen, signOut }) {
  const screens = ["tokens", "new", ...(who.role === "admin" ? ["embeds", "workspace"] : [])];
  return (
    <header class="top">
      <Brand />
      <nav aria-label={t("nav")}>
        <ul>
          {screens.map((name) => (
            <li key={name}>
              <a href={linkTo(name)} aria-current={isCurrent(name, screen) ? "page" : undefined}>
                {t(titleOf(name, who))}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="who">
        {who.workspaces.length > 1 && <WorkspaceChoice who={who} />}
        <span class="person">{who.user ? (who.user.email ?? who.user.id) : t("operator")}</span>
        {who.signIn === "operatorKey" && (
          <button type="button" onClick={signOut}>
            {t("signOut")}
          </button>
        )}
      </div>
    </header>
  );
}

const isCurrent = (name, screen) => name === screen || (name === "tokens" && screen === "token");

function WorkspaceChoice({ who }) {
  function choose({ currentTarget }) {
    location.assign(
      `/gatepass/?workspace=${encodeURIComponent(currentTarget.value)}${location.hash}`,
    );
  }
  return (
    <label>
      <span class="hidden">{t("workspace")}</span>
      <select value={who.workspace} onChange={choose}>
        {who.workspaces.map((name) => (
          <option value={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function Screen({ screen, place, who }) {
  switch (screen) {
    case "new":
      return <NewToken />;
    case "token":
      return <Token key={place[1]} id={place[1]} />;
    case "embeds":
      return <Embeds />;
    case "workspace":
      return <Workspace part={place[1]} />;
    default:
      return <Tokens isOperator={!who.user} />;
  }
}

function Tokens({ isOperator }) {
  return (
    <>
      <div class="title">
        <h1>{t(isOperator ? "nav.allTokens" : "nav.tokens")}</h1>
        <a class="button primary" href={linkTo("new")}>
          {t("nav.new")}
        </a>
      </div>
      <TokenList ofEverybody={isOperator} empty={<FirstToken isOperator={isOperator} />} />
    </>
  );
}

function FirstToken({ isOperator }) {
  return (
    <>
      <p>
        <strong>{t(isOperator ? "list.noneAtAll" : "empty.title")}</strong>
      </p>
      <p>{t("empty.text")}</p>
      <p>
        <a class="button primary" href={linkTo("new")}>
          {t("empty.make")}
        </a>
      </p>
    </>
  );
}
