/// <reference lib="dom" />
import { pullStream } from "../../archive/pull_stream.ts";
import { ServerError, serverError } from "./api.ts";

/** Which archive to fetch, and whom to tell of breaks. */
export interface FetchArchiveOptions {
  /** Its ETag: of an archive that has changed meanwhile nothing is taken. */
  etag: string;
  /** Its bytes. */
  size: number;
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
  constructor(bytes: number) {
    super(`The connection breaks again and again at byte ${bytes}.`);
    this.bytes = bytes;
  }
}

/** How often to try again in a row without a byte that comes. */
const RETRIES = 5;
/** What to ask for at a time after a break: browsers forget what had come just before it. */
const PIECE = 1 << 20;

/**
 * An archive's bytes. A connection that breaks is made anew for what is missing, in small pieces at
 * first. Of a blob that is damaged at the server they bring the parts, which it does not verify, so
 * that whoever verifies the stream learns which blob it is.
 */
export function fetchArchive(
  url: string,
  { etag, size, signal, onResume, delay = 200 }: FetchArchiveOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return pullStream(async function* (stop) {
    let bytes = 0;
    let piece = Infinity;
    let breaks = 0;
    while (bytes < size) {
      const end = Math.min(bytes + piece, size);
      try {
        const body = await openRange(url, { start: bytes, end, size, etag, signal: stop });
        for (;;) {
          const { done, value } = await body.read();
          if (done) break;
          bytes += value.length;
          if (bytes > end) throw new ServerError(200, `More than ${end} bytes came`);
          breaks = 0;
          yield value;
        }
        piece *= 4;
      } catch (error) {
        if (stop.aborted || error instanceof ServerError) throw error;
      }
      if (bytes === end) continue;
      if (++breaks > RETRIES) throw new BrokenTransferError(bytes);
      await new Promise((resolve) => setTimeout(resolve, delay * 2 ** breaks));
      stop.throwIfAborted();
      piece = piece > PIECE ? PIECE : piece / 4;
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
