// What the pages in a frame load, with their types.

import css from "../../www/embed/page.css?text";
import refusal from "../../www/embed/refusal.js?text";
import watch from "../../www/embed/watch.js?text";

export const assets: Readonly<Record<string, readonly [type: string, text: string]>> = {
  "/embed/page.css": ["text/css", css],
  "/embed/refusal.js": ["text/javascript", refusal],
  "/embed/watch.js": ["text/javascript", watch],
};
