import { createApp } from "./app.ts";

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch: (request: Request) => Promise<Response>;
  }): { port: number };
};

const app = createApp();
const { port } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => app(request) });
console.log(JSON.stringify({ port }));
