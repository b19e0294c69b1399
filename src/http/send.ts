import { pullStream } from "../archive/pull_stream.ts";
import { abortable } from "../content/abortable.ts";
import { Exchange } from "../content/exchange.ts";
import { nodeHttp, sendByNode } from "./node_http.ts";

/** A request with a stream for a body. */
export interface Sending {
  method: string;
  /** With the body's `content-length`. */
  headers: Headers;
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
  signal?: AbortSignal | undefined;
  /** Milliseconds that the server may neither take a byte nor answer. */
  stallTimeout: number;
}

/** One whose silence is waited out elsewhere. */
export type WatchedSending = Omit<Sending, "stallTimeout"> & { signal: AbortSignal };

/** What came back, redirects not followed. */
export interface Answer {
  /** 0 where a browser keeps it to itself. */
  status: number;
  headers: Headers;
  /** The beginning of its body. */
  body: Uint8Array<ArrayBuffer>;
}

/**
 * By default. A server may have much to do behind the last byte, and as long as Node's own fetch
 * waits it may.
 */
export const STALL_TIMEOUT = 300_000;

/** How much of an answer's body is worth keeping, in bytes. */
const ANSWER_LIMIT = 64 << 10;

/**
 * Sends a stream under a Content-Length, and hears an answer that comes before its end. By
 * node:http where there is one: Deno's fetch never sends a length with a stream, and Node's goes on
 * sending after it has been refused.
 */
export async function send(
  url: URL,
  { method, headers, body, signal, stallTimeout }: Sending,
  fetch?: typeof globalThis.fetch,
): Promise<Answer> {
  const exchange = new Exchange(signal);
  const expect = () => exchange.expect(stallTimeout, "it took nothing and answered nothing");
  const watched = pullStream(async function* (stop) {
    const reader = body.getReader();
    try {
      for (;;) {
        // What the body's own source takes is not the server's fault.
        exchange.rest();
        const { done, value } = await abortable(reader.read(), stop);
        expect();
        if (done) return;
        yield value;
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }, { signal: exchange.signal, expectedLength: Number(headers.get("content-length")) });
  const sending = { method, headers, body: watched, signal: exchange.signal };
  const http = fetch ? undefined : nodeHttp(url.protocol);
  expect();
  try {
    const answer = http
      ? sendByNode(http, url, sending, ANSWER_LIMIT)
      : sendByFetch(fetch ?? globalThis.fetch, url, sending);
    // Not every runtime fails a fetch with the signal's own reason.
    return await abortable(answer, exchange.signal);
  } finally {
    // Not every runtime cancels a body that it does not need any more.
    exchange.abort();
  }
}

async function sendByFetch(
  fetch: typeof globalThis.fetch,
  url: URL,
  sending: WatchedSending,
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
