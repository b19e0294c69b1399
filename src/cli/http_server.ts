import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers a web-standard request. */
type Handler = (request: Request) => Promise<Response>;

/** Where a server listens. */
export interface Listening {
  /** Such as `http://127.0.0.1:8080`. */
  origin: string;
  server: Server;
}

/**
 * Serves a handler by node:http, which Deno, Bun and Node all have. It sends a stream's
 * Content-Length on each of them; Bun.serve never does.
 */
export function listen(handler: Handler, port: number, hostname: string): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch((error) => outgoing.destroy(error));
  });
  return new Promise((resolve, reject) => {
    server.on("error", (cause) => {
      // Not every runtime says which port, and what to do.
      const why = `${cause.message}; choose another --port or --hostname`;
      reject(new Error(`Cannot listen on ${hostname}:${port}: ${why}`, { cause }));
    });
    server.listen(port, hostname, () => {
      const { address, family, port } = server.address() as AddressInfo;
      const host = family === "IPv6" ? `[${address}]` : address;
      resolve({ origin: `http://${host}:${port}`, server });
    });
  });
}

async function answer(
  handler: Handler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const request = toRequest(incoming);
  if (!request) {
    outgoing.writeHead(400).end();
    return;
  }
  let cancel = () => {};
  let gone = false;
  let wake = () => {};
  outgoing.on("drain", () => wake());
  outgoing.on("close", () => {
    gone = true;
    wake();
    // What is being read need not come to its end.
    cancel();
  });
  const { status, headers, body } = await handler(request);
  if (gone) return void await body?.cancel();
  outgoing.writeHead(status, Object.fromEntries(headers));
  const reader = body?.getReader();
  cancel = () => void reader?.cancel().catch(() => {});
  while (reader && !gone) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value)) await new Promise<void>((resolve) => wake = resolve);
  }
  if (!gone) outgoing.end();
}

/** The request without its body, which no archive depends on; undefined where it is none. */
function toRequest({ url = "", method = "GET", headers }: IncomingMessage): Request | undefined {
  const origin = `http://${headers.host ?? "localhost"}`;
  // Two slashes at the beginning would be read as a host.
  const target = `${origin}${url}`;
  if (!url.startsWith("/") || !URL.canParse(target)) return undefined;
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) given.append(name, one);
  }
  try {
    return new Request(target, { method, headers: given });
  } catch {
    // Such as TRACE, which the web forbids.
    return undefined;
  }
}
