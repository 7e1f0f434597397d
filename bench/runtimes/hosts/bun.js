import { answer } from "../program.js";

const clock = () => performance.now();

const server = Bun.serve({
  ...{ hostname: "127.0.0.1", port: 0, idleTimeout: 0 },
  fetch: (request) => answer(request, clock),
});
console.log(server.port);
