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
   * @default {400}
   */
  delay?: number;
}

/** Attempts in a row that bring no byte. */
const ATTEMPTS = 4;

/** An archive's bytes. A connection that breaks is made anew for what is missing. */
export function fetchArchive(
  url: string,
  { etag, size, signal, onResume, delay = 400 }: FetchArchiveOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return pullStream(async function* (stop) {
    let bytes = 0;
    for (let attempt = 1; bytes < size; attempt++) {
      try {
        const body = await openAt(url, bytes, etag, stop);
        for (;;) {
          const { done, value } = await body.read();
          if (done) break;
          bytes += value.length;
          attempt = 0;
          if (bytes > size) throw new ServerError(200, `More than ${size} bytes came`);
          yield value;
        }
      } catch (error) {
        if (stop.aborted || error instanceof ServerError) throw error;
      }
      if (bytes === size) return;
      if (attempt >= ATTEMPTS) {
        throw new Error(`The connection breaks at byte ${bytes} of ${size}, again and again.`);
      }
      await new Promise((resolve) => setTimeout(resolve, delay * 2 ** attempt));
      stop.throwIfAborted();
      onResume?.(bytes);
    }
  }, { signal });
}

async function openAt(url: string, start: number, etag: string, signal: AbortSignal) {
  const headers = new Headers({ "if-match": etag });
  if (start > 0) headers.set("range", `bytes=${start}-`);
  // Not into the browser's cache: it may be larger than that.
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (response.status === 412) {
    throw new ServerError(412, "The image has changed meanwhile. Load the page again.");
  }
  if (!response.ok) throw await serverError(response);
  if (response.status !== (start > 0 ? 206 : 200) || !response.body) {
    throw new ServerError(response.status, `Expected the archive from byte ${start} on`);
  }
  return response.body.getReader();
}
