import { serve } from "srvx/node";
import { createApp } from "./app.ts";

const app = createApp();
const server = serve({
  hostname: "127.0.0.1",
  port: 0,
  silent: true,
  fetch: (request) => app(request),
});
await server.ready();
console.log(JSON.stringify({ port: Number(new URL(server.url!).port) }));
