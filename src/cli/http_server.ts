import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "srvx/node";

/** Where a server listens. */
export interface Listening {
  /** Such as `http://127.0.0.1:8080`. */
  origin: string;
  server: Server;
}

/**
 * Serves a handler by node:http, which Deno, Bun and Node all have. It sends a stream's
 * Content-Length on each of them; Bun.serve never does.
 *
 * @param handlerAt makes the handler, which may depend on the address
 */
export function listen(
  handlerAt: (address: string) => (request: Request) => Promise<Response>,
  port: number,
  hostname: string,
): Promise<Listening> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on("error", (cause) => {
      // Not every runtime says which port, and what to do.
      const why = `${cause.message}; choose another --port or --hostname`;
      reject(new Error(`Cannot listen on ${hostname}:${port}: ${why}`, { cause }));
    });
    server.listen(port, hostname, () => {
      const { address, family, port } = server.address() as AddressInfo;
      server.on("request", toNodeHandler(handlerAt(address)) as RequestListener);
      const host = family === "IPv6" ? `[${address}]` : address;
      resolve({ origin: `http://${host}:${port}`, server });
    });
  });
}
