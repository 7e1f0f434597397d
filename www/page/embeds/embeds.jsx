// For admins: the apps that can be embedded, an embed URL made on the spot, and live sessions.

import { useState } from "preact/hooks";
import { list } from "../format.js";
import { Sessions } from "../parts/sessions.jsx";
import { t } from "../texts.js";
import { Fact } from "../tokens/list.jsx";
import { useVisit } from "../visit.js";
import { NewEmbed } from "./new.jsx";

export function Embeds() {
  const { who } = useVisit();
  const [opened, setOpened] = useState(0);
  if (!who.apps.length) {
    return (
      <>
        <h1>{t("embeds.title")}</h1>
        <div class="empty">
          <p>{t("embeds.none")}</p>
        </div>
      </>
    );
  }
  return (
    <>
      <h1>{t("embeds.title")}</h1>
      <p class="lead">{t("embeds.lead")}</p>
      <section>
        <h2>{t("embeds.apps")}</h2>
        <ul class="cards">
          {who.apps.map(({ id, name, allowedOrigins }) => (
            <li key={id} class="card">
              <h3>{name}</h3>
              <dl>
                <Fact name={t("app.id")}>
                  <code>{id}</code>
                </Fact>
                <Fact name={t("embed.origins")}>
                  {allowedOrigins.length ? list(allowedOrigins) : t("app.anyOrigin")}
                </Fact>
              </dl>
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>{t("embeds.new")}</h2>
        <NewEmbed onOpened={() => setOpened((opened) => opened + 1)} />
      </section>
      <section>
        <h2>{t("embeds.sessions")}</h2>
        <Sessions key={opened} />
      </section>
    </>
  );
}
