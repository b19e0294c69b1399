/** A server that takes uploads and remembers how they came, down to the connection. */
import { createServer, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";

/** An upload as it came. */
export interface Received {
  method: string;
  path: string;
  headers: Headers;
  /** Bytes of the body, chunk sizes not counted. */
  length: number;
  sha256: string;
  /** Whether the body came to its end, by its length or its last chunk. */
  whole: boolean;
}

export interface Sink {
  origin: string;
  /** What has come, in the order in which connections closed, once there are so many. */
  received(count: number): Promise<Received[]>;
  stop(): Promise<void>;
}

/**
 * Starts a sink for the time of a test. The path tells what it does: `/take` takes it all, `/refuse`
 * answers 403 before the body, `/slam` answers 413 and closes with the body unread, `/keep` answers
 * 413 and reads no further but keeps the connection, `/deaf` reads no body and answers nothing,
 * `/mute` reads it all and answers nothing, `/hasty` answers 200 before the body, `/moved?to=URL`
 * redirects to there, and `/loop` to itself.
 */
export function startSink(t: TestContext): Promise<Sink> {
  const all: Received[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const upload = new Incoming(socket);
    socket.on("data", (bytes) => upload.take(bytes as Buffer));
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      if (upload.received) all.push(upload.finish());
    });
  });
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  };
  const received = async (count: number) => {
    while (all.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return all;
  };
  t.after(stop);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ origin: `http://127.0.0.1:${port}`, received, stop });
    });
  });
}

class Incoming {
  received: Received | undefined;
  #socket: Socket;
  #head: Uint8Array = new Uint8Array();
  #hash = createHash("sha256");
  /** What is left of a body in chunks, still with its framing. */
  #chunked: Uint8Array = new Uint8Array();
  #answered = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  take(bytes: Buffer): void {
    if (this.received) return this.#body(bytes);
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = Buffer.from(this.#head).indexOf("\r\n\r\n");
    if (end < 0) return;
    const [first = "", ...lines] = Buffer.from(this.#head).subarray(0, end).toString().split(
      "\r\n",
    );
    const [method = "", path = ""] = first.split(" ");
    const headers = new Headers(lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    this.received = { method, path, headers, length: 0, sha256: "", whole: false };
    const url = new URL(path, "http://sink");
    if (url.pathname === "/refuse") this.#answer("403 Forbidden", "", "no room");
    if (url.pathname === "/slam" || url.pathname === "/keep") {
      this.#socket.pause();
      this.#answer("413 Content Too Large", "", "no room", url.pathname === "/keep");
      if (url.pathname === "/slam") this.#socket.write("", () => this.#socket.destroy());
    }
    if (url.pathname === "/deaf") this.#socket.pause();
    if (url.pathname === "/hasty") this.#answer("200 OK");
    if (url.pathname === "/loop") this.#redirect("/loop");
    if (url.pathname === "/moved") this.#redirect(url.searchParams.get("to")!);
    this.#body(Buffer.from(this.#head).subarray(end + 4));
  }

  #body(bytes: Uint8Array): void {
    const { headers, path } = this.received!;
    if (headers.get("transfer-encoding") === "chunked") this.#dechunk(bytes);
    else {
      this.#add(bytes);
      this.received!.whole = this.received!.length === Number(headers.get("content-length"));
    }
    if (this.received!.whole && path === "/take") this.#answer("201 Created");
  }

  #dechunk(bytes: Uint8Array): void {
    let rest = Buffer.concat([this.#chunked, bytes]);
    for (;;) {
      const line = rest.indexOf("\r\n");
      const size = parseInt(rest.subarray(0, line).toString(), 16);
      if (line < 0 || rest.length < line + 4 + size) break;
      if (size === 0) this.received!.whole = true;
      this.#add(rest.subarray(line + 2, line + 2 + size));
      rest = rest.subarray(line + 4 + size);
    }
    this.#chunked = rest;
  }

  #add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.received!.length += bytes.length;
  }

  #redirect(location: string): void {
    this.#answer("307 Temporary Redirect", `location: ${location}\r\n`);
  }

  #answer(status: string, headers = "", body = "", keep = false): void {
    if (this.#answered) return;
    this.#answered = true;
    const connection = keep ? "keep-alive" : "close";
    this.#socket.write(
      `HTTP/1.1 ${status}\r\n${headers}content-length: ${body.length}\r\n` +
        `connection: ${connection}\r\n\r\n${body}`,
    );
  }

  finish(): Received {
    return { ...this.received!, sha256: this.#hash.digest("hex") };
  }
}
