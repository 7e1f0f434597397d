// In a page.

import { answer } from "./conformance.mjs";

globalThis.answer = answer;
