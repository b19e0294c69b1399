/**
 * Every image of a layout over HTTP, on Bun, in a project that has the package installed. The archives
 * are stored nowhere, and can be resumed.
 *
 *     LAYOUT=./layout PORT=8080 bun bun_server.ts
 *     curl http://localhost:8080/archives
 */
import process from "node:process";
import { createArchiveHandler } from "@oci/archive/http";
import { LayoutStore } from "@oci/archive/layout";

const { LAYOUT = "layout", PORT = "8080" } = process.env;

const fetch = createArchiveHandler({
  stores: [new LayoutStore(LAYOUT)],
  onError: (error) => console.error(error),
});

// Bun serves what a module exports by default. Deno.serve(fetch) does the same on Deno.
const server: { port: string; fetch: (request: Request) => Promise<Response> } = {
  port: PORT,
  fetch: (request) => fetch(request),
};
export default server;
