/** HTTP as it stands on the wire: no client that mends, follows, decodes or hides. */
import { connect, type Socket } from "node:net";
import { Buffer } from "node:buffer";

/** What to ask. */
export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  /** Called with each piece of the body; true closes the connection. */
  onBody?: (bytes: Uint8Array) => boolean | void;
}

/** What came. */
export interface Reply {
  status: number;
  headers: Headers;
  body: Uint8Array;
  /** Whether the body came to its end, by its length or by its last chunk. */
  whole: boolean;
  text(): string;
}

/** Sends one request on a connection of its own; `path` goes out as it is. */
export function ask(origin: string, path: string, options: Ask = {}): Promise<Reply> {
  const { method = "GET", headers = {}, onBody } = options;
  const { hostname, port, host } = new URL(origin);
  const lines = Object.entries({ host, connection: "close", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = [];
    let seen = 0;
    const socket: Socket = connect(Number(port), hostname, () => {
      socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    });
    socket.on("data", (piece: Uint8Array) => {
      pieces.push(piece);
      seen += piece.length;
      if (onBody?.(piece)) {
        socket.destroy();
        done();
      }
    });
    const done = () => {
      if (seen === 0) reject(new Error("the server closed the connection without an answer"));
      else resolve(parseReply(Buffer.concat(pieces), method));
    };
    // A connection that breaks is an answer too: one that is not whole.
    socket.on("error", done);
    socket.on("end", done);
    socket.on("close", done);
  });
}

function parseReply(bytes: Buffer, method: string): Reply {
  const end = bytes.indexOf("\r\n\r\n");
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  const rest = bytes.subarray(end + 4);
  const status = Number(first.split(" ")[1]);
  const { body, whole } = method === "HEAD" || status === 304 || status === 204
    ? { body: rest, whole: rest.length === 0 }
    : headers.get("transfer-encoding") === "chunked"
    ? dechunk(rest)
    : { body: rest, whole: rest.length === Number(headers.get("content-length")) };
  return { status, headers, body, whole, text: () => new TextDecoder().decode(body) };
}

function dechunk(bytes: Buffer): { body: Uint8Array; whole: boolean } {
  const pieces: Uint8Array[] = [];
  for (let at = 0;;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return { body: Buffer.concat(pieces), whole: false };
    const size = parseInt(bytes.subarray(at, line).toString("latin1"), 16);
    const piece = bytes.subarray(line + 2, line + 2 + size);
    if (size === 0) return { body: Buffer.concat(pieces), whole: true };
    pieces.push(piece);
    at = line + 4 + size;
  }
}
