import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { serve } from "srvx/node";
import { createApp } from "./app.ts";

const app = await createApp(async (path) => {
  const { size } = await stat(path);
  const stream = Readable.toWeb(createReadStream(path, { highWaterMark: 1 << 20 }));
  return new Response(stream as ReadableStream<Uint8Array>, {
    headers: { "content-length": `${size}` },
  });
});
const server = serve({ hostname: "127.0.0.1", port: 0, silent: true, fetch: app });
await server.ready();
console.log(JSON.stringify({ port: Number(new URL(server.url!).port) }));
