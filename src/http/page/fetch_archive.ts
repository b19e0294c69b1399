/// <reference lib="dom" />
import { pullStream } from "../../archive/pull_stream.ts";
import { ServerError, serverError } from "./api.ts";

/** Which archive to fetch, and whom to tell of breaks. */
export interface FetchArchiveOptions {
  /** Its ETag: of an archive that has changed meanwhile nothing is taken. */
  etag: string;
  /** Its bytes. */
  size: number;
  /** Where its entries begin. */
  offsets: readonly number[];
  signal?: AbortSignal;
  /** Told when the connection broke and the fetch goes on behind these bytes. */
  onResume?: (bytes: number) => void;
  /**
   * Milliseconds before the first attempt to go on; they double.
   * @default {200}
   */
  delay?: number;
}

/** A connection that breaks at the same byte however often it is made. */
export class BrokenTransferError extends Error {
  override readonly name = "BrokenTransferError";
  /** How many bytes came before. */
  readonly bytes: number;
  /** Whether the server had answered: then it has these bytes not, or damaged. */
  readonly isAnswered: boolean;
  constructor(bytes: number, isAnswered: boolean) {
    super(`The connection breaks again and again at byte ${bytes}.`);
    this.bytes = bytes;
    this.isAnswered = isAnswered;
  }
}

/** How often to try again in a row without a byte that comes. */
const RETRIES = 5;
/** How often where the server answers: what it does not have now it will not have soon. */
const RETRIES_OF_ANSWERED = 3;

/**
 * An archive's bytes. A connection that breaks is made anew for what is missing, an entry at first:
 * browsers forget what had come just before a break, and the end of a blob that is damaged at the
 * server never comes, so that it breaks in the entry at fault.
 */
export function fetchArchive(
  url: string,
  { etag, size, offsets, signal, onResume, delay = 200 }: FetchArchiveOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return pullStream(async function* (stop) {
    let bytes = 0;
    /** How many entries to ask for at a time. */
    let entries = Infinity;
    let breaks = 0;
    while (bytes < size) {
      const next = offsets.findIndex((offset) => offset > bytes);
      const end = next >= 0 && offsets[next + entries - 1] || size;
      let isAnswered = false;
      try {
        const body = await openRange(url, { start: bytes, end, size, etag, signal: stop });
        isAnswered = true;
        for (;;) {
          const { done, value } = await body.read();
          if (done) break;
          bytes += value.length;
          if (bytes > end) throw new ServerError(200, `More than ${end} bytes came`);
          breaks = 0;
          yield value;
        }
        entries *= 4;
      } catch (error) {
        if (stop.aborted || error instanceof ServerError) throw error;
      }
      if (bytes === end) continue;
      if (++breaks > (isAnswered ? RETRIES_OF_ANSWERED : RETRIES)) {
        throw new BrokenTransferError(bytes, isAnswered);
      }
      await new Promise((resolve) => setTimeout(resolve, delay * 2 ** breaks));
      stop.throwIfAborted();
      entries = 1;
      onResume?.(bytes);
    }
  }, { signal });
}

interface Range {
  start: number;
  end: number;
  size: number;
  etag: string;
  signal: AbortSignal;
}

async function openRange(url: string, { start, end, size, etag, signal }: Range) {
  const headers = new Headers({ "if-match": etag });
  const isWhole = start === 0 && end === size;
  if (!isWhole) headers.set("range", `bytes=${start}-${end - 1}`);
  // Not into the browser's cache: it may be larger than that.
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (response.status === 412) {
    throw new ServerError(412, "The image has changed meanwhile. Load the page again.");
  }
  if (response.status >= 500) throw new Error(`The server answered ${response.status}`);
  if (!response.ok) throw await serverError(response);
  if (response.status !== (isWhole ? 200 : 206) || !response.body) {
    throw new ServerError(response.status, `Expected the archive from byte ${start} on`);
  }
  return response.body.getReader();
}
