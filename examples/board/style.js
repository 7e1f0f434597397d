/** The pages' style sheet. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --accent: light-dark(hsl(var(--hue) 60% 28%), hsl(var(--hue) 60% 76%));
  --on-accent: light-dark(#fff, #14181d);
  --page: light-dark(#f3f4f6, #14181d);
  --panel: light-dark(#e9ebef, #1b2027);
  --card: light-dark(#fff, #252c35);
  --line: light-dark(#c5cad1, #3c4550);
  --edge: light-dark(#767d87, #8b95a1);
  --text: light-dark(#1c2128, #eceff3);
  --quiet: light-dark(#4b535e, #b6bfca);
}
[data-theme="light"] { color-scheme: light; }
[data-theme="dark"] { color-scheme: dark; }
.hue-0 { --hue: 212; }
.hue-1 { --hue: 158; }
.hue-2 { --hue: 268; }
.hue-3 { --hue: 22; }
.hue-4 { --hue: 332; }
.hue-5 { --hue: 190; }

* { box-sizing: border-box; }
html { background: var(--page); color: var(--text); font: 0.9375rem/1.45 system-ui, sans-serif; }
body { margin: 0; }
h1, h2, h3, p, ul, ol, dl, dd { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { display: flex; gap: 0.5rem; align-items: center; font-size: 1.125rem; }
h2 { font-size: 0.9375rem; }
h3 { font-size: 0.875rem; line-height: 1.3; }
a { color: var(--accent); }
small { display: block; color: var(--quiet); font-size: 0.8125rem; }
.logo { width: 1.5rem; height: 1.5rem; color: var(--accent); }
.hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}

header {
  display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center;
  padding: 0.75rem 1rem; background: var(--card);
  border-top: 4px solid var(--accent); border-bottom: 1px solid var(--line);
}
.viewer { display: flex; flex: 1 1 13rem; gap: 0.625rem; align-items: center; justify-content: end; }
.viewer strong { display: inline-block; overflow-wrap: anywhere; line-height: 1.2; }
.initials {
  flex: none; width: 2.25rem; height: 2.25rem; border-radius: 50%;
  background: var(--accent); color: var(--on-accent);
  font-weight: 600; font-size: 0.8125rem; line-height: 2.25rem; text-align: center;
}

main { max-width: 72rem; margin: 0 auto; padding: 0.75rem 1rem 1.5rem; }
#status:not(:empty) {
  margin-bottom: 0.75rem; padding: 0.375rem 0.75rem; border-radius: 0.375rem;
  background: var(--accent); color: var(--on-accent);
}
.columns, .more { display: grid; gap: 0.75rem; grid-template-columns: repeat(3, minmax(0, 1fr)); align-items: start; }
.more { margin-top: 0.75rem; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); }
@media (max-width: 32rem) {
  .columns { grid-template-columns: minmax(0, 1fr); }
  .viewer { justify-content: start; }
}
section { padding: 0.75rem; border-radius: 0.5rem; background: var(--panel); }
section > h2 { display: flex; justify-content: space-between; gap: 0.5rem; margin-bottom: 0.625rem; }
.count { color: var(--quiet); font-weight: 400; }
#clock { color: var(--quiet); font-weight: 400; font-variant-numeric: tabular-nums; }
.column ul { display: grid; gap: 0.625rem; }
.empty, #uploaded, .activity { color: var(--quiet); font-size: 0.8125rem; }

.card {
  overflow: hidden; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--card);
  scroll-margin: 1rem;
}
.card:target { outline: 2px solid var(--accent); outline-offset: 1px; }
.card img, .job img { display: block; width: 100%; height: auto; }
.card h3, .card p, .card form { margin: 0 0.625rem; }
.card h3 { margin-top: 0.5rem; overflow-wrap: anywhere; }
.card h3 a { display: block; min-height: 1.5rem; color: inherit; text-decoration: none; }
.card h3 a:hover { text-decoration: underline; }
.card p { color: var(--quiet); font-size: 0.8125rem; overflow-wrap: anywhere; }
.card form { display: flex; flex-wrap: wrap; gap: 0.375rem; margin-block: 0.5rem 0.625rem; }
.card button { padding-inline: 0.625rem; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) img { filter: brightness(0.82); } }
[data-theme="dark"] img { filter: brightness(0.82); }

button, input { min-height: 2rem; border-radius: 0.375rem; color: inherit; font: inherit; font-size: 0.875rem; }
button { padding: 0.1875rem 0.75rem; border: 1px solid var(--edge); background: var(--card); cursor: pointer; }
button:hover { border-color: var(--accent); color: var(--accent); }
button.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
input { width: 100%; padding: 0.1875rem 0.5rem; border: 1px solid var(--edge); background: var(--card); }
input[type="file"] { padding: 0.1875rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.themes { display: flex; gap: 0.25rem; }
.themes button { text-transform: capitalize; }
[aria-pressed="true"] { border-color: var(--accent); background: var(--panel); }
.fields { display: grid; gap: 0.5rem; justify-items: start; }
.fields label { display: grid; gap: 0.125rem; width: 100%; font-size: 0.875rem; }
.activity { display: grid; gap: 0.25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
#uploaded { margin-top: 0.5rem; }
.links { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin-top: 0.5rem; }
.links a, .back { display: inline-block; min-height: 1.75rem; line-height: 1.75rem; }

.job { max-width: 30rem; overflow: hidden; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--card); }
.job h2, .job dl, .job p { margin: 0.75rem 1rem; font-size: 1rem; }
.job dl { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1rem; font-size: 0.9375rem; }
.job dt { color: var(--quiet); }
`;
