import { nodeHttp, sendByNode } from "./node_http.ts";

/** A request with a stream for a body. */
export interface Sending {
  method: string;
  /** With the body's `content-length`. */
  headers: Headers;
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
  signal: AbortSignal;
}

/** What came back, redirects not followed. */
export interface Answer {
  /** 0 where a browser keeps it to itself. */
  status: number;
  headers: Headers;
  /** The beginning of its body. */
  body: Uint8Array<ArrayBuffer>;
}

/** How much of an answer's body is worth keeping, in bytes. */
const ANSWER_LIMIT = 64 << 10;

/**
 * Sends a stream under a Content-Length, and hears an answer that comes before its end. By
 * node:http where there is one: Deno's fetch never sends a length with a stream, and Node's goes on
 * sending after it has been refused.
 */
export function send(url: URL, sending: Sending, fetch?: typeof globalThis.fetch): Promise<Answer> {
  const http = fetch ? undefined : nodeHttp(url.protocol);
  return http
    ? sendByNode(http, url, sending, ANSWER_LIMIT)
    : sendByFetch(fetch ?? globalThis.fetch, url, sending);
}

async function sendByFetch(
  fetch: typeof globalThis.fetch,
  url: URL,
  sending: Sending,
): Promise<Answer> {
  // Browsers and Node refuse a stream without `duplex`.
  const init: RequestInit & { duplex: "half" } = { ...sending, duplex: "half", redirect: "manual" };
  const { status, headers, body } = await fetch(url, init);
  return { status, headers, body: await readSome(body, ANSWER_LIMIT) };
}

async function readSome(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const some = new Uint8Array(limit);
  let length = 0;
  const reader = body?.getReader();
  while (reader && length < limit) {
    const { done, value } = await reader.read();
    if (done) break;
    const fitting = value.subarray(0, limit - length);
    some.set(fitting, length);
    length += fitting.length;
  }
  await reader?.cancel();
  return some.slice(0, length);
}
