import { createApp } from "./app.ts";

declare const Bun: {
  file(path: string): Blob;
  serve(options: {
    hostname: string;
    port: number;
    fetch: (request: Request) => Response | Promise<Response>;
  }): { port: number };
};

// As a stream: a Response of the file itself is handed to the kernel and never seen by the process.
const app = await createApp((path) => new Response(Bun.file(path).stream()));
const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app });
console.log(JSON.stringify({ port }));
