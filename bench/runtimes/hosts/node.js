import { createServer } from "node:http";
import { answer } from "../program.js";

const clock = () => performance.now();

const server = createServer(async ({ url }, response) => {
  const found = await answer(new Request(`http://localhost${url}`), clock);
  response.writeHead(found.status).end(await found.text());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
