import process from "node:process";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** What goes wrong between a registry and its client. */
export interface Faults {
  /** The part of blob answers that break off at a random byte. */
  cut?: number;
  /** The part of blob answers that fall silent at a random byte. */
  stall?: number;
  /** Every third request is answered with 503 or 429. */
  busy?: boolean;
  /** Answers have the whole blob, whatever range was asked for. */
  ignoreRange?: boolean;
  /** Answers come in chunks, without Content-Length. */
  noLength?: boolean;
  /** Blobs are redirected to another origin, which gives them to whoever has the signature. */
  redirect?: boolean;
  /** Milliseconds before each answer. */
  latency?: number;
  /** The one byte of the blobs' answers to flip, counted from their start. */
  flip?: number;
}

/** A request as it came in. */
export interface Recorded {
  /** The origin it was sent to. */
  origin: string;
  method: string;
  path: string;
  headers: Map<string, string>;
}

/**
 * A proxy before a registry that breaks what it is told to break, and writes down every request. It
 * speaks HTTP by hand, one request a connection: servers mend, or forbid, what it does.
 */
export class FaultProxy {
  readonly requests: Recorded[] = [];
  faults: Faults = {};
  /** Bytes of blobs given away. */
  blobBytes = 0;
  #upstream: string;
  #random: () => number;
  #sockets = new Set<Socket>();
  #servers: Server[] = [];
  #hosts: string[] = [];
  #count = 0;

  private constructor(upstream: string, random: () => number) {
    this.#upstream = upstream;
    this.#random = random;
  }

  /** @param upstream the registry's `host:port` */
  static async start(upstream: string, seed = 1): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstream, randomOf(seed));
    for (const isBlobHost of [false, true]) {
      const server = createServer((socket) => {
        proxy.#sockets.add(socket);
        socket.on("close", () => proxy.#sockets.delete(socket));
        socket.on("error", () => {});
        proxy.#serve(socket, isBlobHost).catch(() => socket.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      proxy.#servers.push(server);
      proxy.#hosts.push(`127.0.0.1:${(server.address() as { port: number }).port}`);
    }
    return proxy;
  }

  /** Where clients find the registry. */
  get host(): string {
    return this.#hosts[0]!;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise((resolve) => server.close(resolve))),
    );
  }

  async #serve(socket: Socket, isBlobHost: boolean): Promise<void> {
    const request = await readRequest(socket);
    if (!request) return void socket.destroy();
    const origin = `http://${this.#hosts[isBlobHost ? 1 : 0]}`;
    this.requests.push({ origin, ...request });
    const { busy, latency, redirect } = this.faults;
    if (latency) await wait(latency);
    const { method, path } = request;
    const isBlob = path.includes("/blobs/");
    if (busy && ++this.#count % 3 === 0) {
      const status = this.#count % 2 === 0 ? "503 Service Unavailable" : "429 Too Many Requests";
      return end(socket, `HTTP/1.1 ${status}\r\nContent-Length: 5\r\n`, bytesOf("busy\n"));
    }
    if (redirect && isBlob && !isBlobHost) {
      // As registries do: who asks without credentials is not even redirected.
      const answer = await this.#ask("HEAD", path, request.headers);
      if (answer.ok) {
        const location = `http://${this.#hosts[1]}${path}?signature=${
          encodeURIComponent(
            request.headers.get("authorization") ?? "none",
          )
        }`;
        return end(
          socket,
          `HTTP/1.1 307 Temporary Redirect\r\nLocation: ${location}\r\nContent-Length: 0\r\n`,
        );
      }
    }
    const headers = new Map(request.headers);
    if (isBlobHost) {
      const signature = new URL(path, origin).searchParams.get("signature");
      if (signature && signature !== "none") headers.set("authorization", signature);
    }
    await this.#answer(socket, await this.#ask(method, path, headers), isBlob && method === "GET");
  }

  #ask(method: string, path: string, given: Map<string, string>): Promise<Response> {
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    for (const name of ["authorization", "accept", "range"]) {
      const value = given.get(name);
      if (value !== undefined && !(name === "range" && this.faults.ignoreRange)) {
        headers[name] = value;
      }
    }
    return fetch(`http://${this.#upstream}${path}`, { method, headers, redirect: "manual" });
  }

  async #answer(socket: Socket, response: Response, isBlob: boolean): Promise<void> {
    const { noLength, flip, cut = 0, stall = 0 } = this.faults;
    const body = new Uint8Array(await response.arrayBuffer());
    if (isBlob && flip !== undefined) body[flip]! ^= 1;
    let head = `HTTP/1.1 ${response.status} ${response.statusText}\r\n`;
    for (const [name, value] of response.headers) {
      if (!["content-length", "connection", "transfer-encoding", "date"].includes(name)) {
        head += `${name}: ${value}\r\n`;
      }
    }
    const isChunked = isBlob && noLength && response.ok;
    if (isChunked) head += "Transfer-Encoding: chunked\r\n";
    else head += `Content-Length: ${response.headers.get("content-length") ?? body.length}\r\n`;
    if (!isBlob || !response.ok) return end(socket, head, body);
    const draw = this.#random();
    const fault = draw < cut ? "cut" : draw < cut + stall ? "stall" : undefined;
    const given = fault ? body.subarray(0, Math.floor(this.#random() * body.length)) : body;
    this.blobBytes += given.length;
    const pieces = !isChunked ? [given] : [
      bytesOf(`${given.length.toString(16)}\r\n`),
      ...(given.length > 0 ? [given, bytesOf("\r\n")] : []),
      ...(fault || given.length === 0 ? [] : [bytesOf("0\r\n\r\n")]),
    ];
    if (fault && isChunked && given.length === 0) pieces.length = 0;
    if (!fault) return end(socket, head, ...pieces);
    for (const piece of [bytesOf(`${head}Connection: close\r\n\r\n`), ...pieces]) {
      await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    }
    if (fault === "cut") await cutOff(socket);
  }
}

/**
 * Ends a connection in the middle of an answer. On Node a moment later, when what was sent has been
 * read: else its fetch may throw what nobody can catch, up to version 7 of undici
 * (https://github.com/nodejs/undici/issues/5360).
 */
async function cutOff(socket: Socket): Promise<void> {
  if (process.versions.undici) await wait(100);
  socket.destroy();
}

async function readRequest(
  socket: Socket,
): Promise<Omit<Recorded, "origin"> | undefined> {
  let text = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n\r\n")) resolve();
    });
    socket.on("end", resolve);
    socket.on("close", () => resolve());
  });
  const [line, ...lines] = text.split("\r\n\r\n", 1)[0]!.split("\r\n");
  const [method, path] = line!.split(" ");
  if (!method || !path) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const before = headers.get(name);
    const value = line.slice(colon + 1).trim();
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { method, path, headers };
}

function end(socket: Socket, head: string, ...pieces: Uint8Array[]): void {
  socket.write(bytesOf(`${head}Connection: close\r\n\r\n`));
  for (const piece of pieces) socket.write(piece);
  socket.end();
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
