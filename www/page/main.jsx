// The tokens page begins here.

import { render } from "preact";
import { App } from "./app.jsx";
import { language } from "./texts.js";

document.documentElement.lang = language;
// A page that comes back from the browser's cache was emptied, or is old.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
render(<App />, document.body);
