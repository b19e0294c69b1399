/** A real S3 server, moto's, and a proxy before it that fails as networks do. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A server with one empty bucket. */
export interface S3Server {
  /** Of the bucket. */
  url: string;
  /** What stands in the list of unfinished uploads. */
  unfinished(): Promise<string[]>;
  stop(): void;
}

/** Starts moto's server. */
export async function startS3(): Promise<S3Server> {
  const child = spawn("moto_server", ["-H", "127.0.0.1", "-p", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const port = await new Promise<number>((resolve, reject) => {
    let output = "";
    child.stderr.on("data", (piece: Uint8Array) => {
      output = (output + new TextDecoder().decode(piece)).slice(-2000);
      const found = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (found) resolve(Number(found));
    });
    child.on("exit", () => reject(new Error(`moto_server ended: ${output}`)));
  });
  const url = `http://127.0.0.1:${port}/bucket`;
  await fetch(url, { method: "PUT" });
  return {
    url,
    async unfinished() {
      const list = await (await fetch(`${url}?uploads`)).text();
      return [...list.matchAll(/<UploadId>(.*?)<\/UploadId>/g)].map(([, id]) => id!);
    },
    stop: () => child.kill("SIGKILL"),
  };
}

/**
 * What the proxy does with a request: `after` forwards it and loses the answer, `stall` never
 * answers.
 */
export type Fault = "reset" | "503" | "after" | "stall" | undefined;

export interface Proxy {
  url: string;
  /** Method and query of each request, in the order of arrival. */
  requests: string[];
  /** Requests whose body was not what the signed hash says. */
  mismatches: number;
  stop(): void;
}

/** Forwards to a server, but for the requests that `fault` picks. */
export function startProxy(
  target: string,
  fault: (request: string, count: number) => Fault,
): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    const query = new URL(incoming.url!, "http://proxy").search;
    const label = `${incoming.method} ${query}`;
    proxy.requests.push(label);
    const what = fault(label, proxy.requests.length);
    if (what === "reset") {
      // In the middle of the body, where there is one.
      incoming.once("data", () => incoming.socket.destroy());
      incoming.once("end", () => incoming.socket.destroy());
    } else if (what === "stall") {
      incoming.on("error", () => {}).resume();
    } else if (what === "503") {
      incoming.resume().once("end", () => outgoing.writeHead(503).end());
    } else forward(incoming, outgoing, what === "after");
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const proxy: Proxy = {
    url: "",
    requests: [],
    mismatches: 0,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, lose: boolean): void {
    const { host } = new URL(target);
    const hash = createHash("sha256");
    const onward = request(new URL(incoming.url!, target), {
      method: incoming.method!,
      headers: { ...incoming.headers, host },
      agent: false,
    }, (answer) => {
      if (lose) {
        answer.resume().once("end", () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => incoming.socket.destroy());
    incoming.on("error", () => onward.destroy());
    incoming.on("data", (piece: Uint8Array) => {
      hash.update(piece);
      if (!onward.write(piece)) {
        incoming.pause();
        onward.once("drain", () => incoming.resume());
      }
    });
    incoming.on("end", () => {
      if (hash.digest("hex") !== incoming.headers["x-amz-content-sha256"]) proxy.mismatches++;
      onward.end();
    });
    incoming.on("close", () => {
      if (!incoming.complete) onward.destroy();
    });
  }

  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      proxy.url = `http://127.0.0.1:${port}${new URL(target).pathname}`;
      resolve(proxy);
    });
  });
}
