import { connect, createServer, type Socket } from "node:net";

/** A running proxy. */
export interface DelayProxy {
  /** Where clients find the server: `host:port`. */
  host: string;
  stop(): Promise<void>;
}

/**
 * A proxy before a server that is far away: what a client sends arrives so many milliseconds later,
 * on every connection, kept or new. Answers come back at once, so that a request costs one delay.
 */
export async function startDelayProxy(upstream: string, delay: number): Promise<DelayProxy> {
  const [hostname, port] = upstream.split(":") as [string, string];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const there = connect(Number(port), hostname);
    for (const socket of [client, there]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("data", (bytes) => void setTimeout(() => there.write(bytes), delay));
    client.on("close", () => there.destroy());
    there.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return {
    host: `127.0.0.1:${address.port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
