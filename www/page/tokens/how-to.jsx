// How to use a token that was just made, in the tools that people have.

import { useId, useState } from "preact/hooks";
import { CopyButton } from "../parts/copy.jsx";
import { t } from "../texts.js";
import { useVisit } from "../visit.js";
import { recipes } from "./recipes.js";

/**
 * @param {object} props
 * @param {any} props.token
 * @param {(text: string) => void} props.onCopied
 */
export function HowTo({ token, onCopied }) {
  const { who } = useVisit();
  const all = recipes(token, who);
  const [chosen, setChosen] = useState(/** @type {string} */ ("curl"));
  const id = useId();
  const recipe = all.find(({ name }) => name === chosen) ?? /** @type {typeof all[0]} */ (all[0]);

  function onKeyDown(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const tabs = [...event.currentTarget.querySelectorAll("[role=tab]")];
    const at = all.findIndex(({ name }) => name === chosen);
    const next = (at + step + all.length) % all.length;
    tabs[next].focus();
    tabs[next].click();
  }

  return (
    <section class="how-to">
      <h3 id={`${id}-title`}>{t("howTo.title")}</h3>
      <div role="tablist" aria-labelledby={`${id}-title`} onKeyDown={onKeyDown}>
        {all.map(({ name }) => (
          <button
            {...{
              type: "button",
              role: "tab",
              id: `${id}-${name}`,
              "aria-controls": `${id}-panel`,
            }}
            aria-selected={name === recipe.name}
            tabIndex={name === recipe.name ? 0 : -1}
            onClick={() => setChosen(name)}
          >
            {t(`howTo.${name}`)}
          </button>
        ))}
      </div>
      <div
        key={recipe.name}
        {...{ role: "tabpanel", id: `${id}-panel`, "aria-labelledby": `${id}-${recipe.name}` }}
      >
        <ol>
          {recipe.steps.map(({ text, code }) => (
            <li>
              <p>{text}</p>
              {code && (
                <div class="code">
                  <pre tabIndex={0} aria-label={text}>
                    <code>{code}</code>
                  </pre>
                  <CopyButton text={code} label={text} onCopied={onCopied} />
                </div>
              )}
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
