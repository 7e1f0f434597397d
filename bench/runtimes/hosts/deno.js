import { answer } from "../program.js";

const clock = () => performance.now();

Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
  (request) => answer(request, clock),
);
