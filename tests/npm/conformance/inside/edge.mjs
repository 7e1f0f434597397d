// In Vercel's edge runtime.

import { answer } from "./conformance.mjs";

const answered = async (request) => Response.json(await answer(await request.json()));

addEventListener("fetch", (event) => event.respondWith(answered(event.request)));
