// For admins: the workspace's settings, its users' tokens, its audit trail.

import { linkTo } from "../place.js";
import { t } from "../texts.js";
import { TokenList } from "../tokens/list.jsx";
import { useVisit } from "../visit.js";
import { Audit } from "./audit.jsx";
import { Settings } from "./settings.jsx";

const PARTS = /** @type {const} */ (["settings", "tokens", "audit"]);

/** @param {{part: string | undefined}} props */
export function Workspace({ part }) {
  const { who } = useVisit();
  const chosen = PARTS.find((name) => name === part) ?? "settings";
  return (
    <>
      <h1>{t("workspace.title", { workspace: who.workspace })}</h1>
      <nav class="parts" aria-label={t("workspace")}>
        <ul>
          {PARTS.map((name) => (
            <li key={name}>
              <a
                href={linkTo("workspace", name)}
                aria-current={name === chosen ? "page" : undefined}
              >
                {t(`workspace.${name}`)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {chosen === "settings" && <Settings />}
      {chosen === "tokens" && <TokenList ofEverybody empty={<p>{t("list.noneAtAll")}</p>} />}
      {chosen === "audit" && <Audit />}
    </>
  );
}
