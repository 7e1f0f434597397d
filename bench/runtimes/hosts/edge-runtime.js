import { answer } from "../program.js";

const clock = () => performance.now();

addEventListener("fetch", (event) => event.respondWith(answer(event.request, clock)));
