import { BlobReadError } from "../errors.ts";
import { chunksOf } from "../content/read.ts";
import type { BlobBody, OpenOptions } from "../content/store.ts";

/** Bytes that can be read from any offset: a file, a Blob, or what a URL answers. */
export interface ByteSource {
  /** What errors call it. */
  readonly name: string;
  /** Opens a part; what comes may be shorter than `length` where the bytes end. */
  open(options: OpenOptions & { offset: number; length: number }): Promise<BlobBody>;
}

/** How to reach a URL. */
export interface HttpSourceOptions {
  /** Makes the requests; give your own to add headers. @default {globalThis.fetch} */
  fetch?: typeof globalThis.fetch;
}

/** A Blob or File, such as an `<input type="file">` gives. */
export function blobSource(blob: Blob): ByteSource {
  const name = blob instanceof File ? blob.name : "the Blob";
  return {
    name,
    open({ offset, length, signal }) {
      // A Blob's own stream hears of no signal.
      const part = blob.slice(offset, offset + length).stream();
      const chunks = chunksOf(part, { digest: name }, signal);
      return Promise.resolve(
        new ReadableStream<Uint8Array>({
          async pull(controller) {
            const { done, value } = await chunks.next();
            if (done) controller.close();
            else controller.enqueue(value);
          },
          cancel: () => void chunks.return(undefined),
        }, { highWaterMark: 0 }),
      );
    },
  };
}

/** A file on disk; node:fs is loaded with the first read. */
export function fileSource(path: string): ByteSource {
  return {
    name: path,
    open: async (options) => (await import("./file.ts")).openFile(path, options),
  };
}

/**
 * What a URL answers, by Range requests. Should it change while it is read, by its entity tag, the
 * read fails.
 *
 * Source: [RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110.html#section-14).
 */
export function httpSource(
  url: URL,
  { fetch = globalThis.fetch }: HttpSourceOptions = {},
): ByteSource {
  // Queries of signed URLs are secrets.
  const name = url.origin + url.pathname;
  let etag: string | null = null;
  return {
    name,
    async open({ offset, length, signal }) {
      const headers = new Headers({
        "range": `bytes=${offset}-${offset + length - 1}`,
        // Ranges are of the encoded bytes, so there must be no encoding.
        "accept-encoding": "identity",
      });
      if (etag) headers.set("if-match", etag);
      const response = await fetch(url, { headers, signal });
      const { status } = response;
      if (status === 206 && rangeStart(response) === offset) {
        const tag = response.headers.get("etag");
        if (tag?.startsWith('"')) etag ??= tag;
        return response.body ?? new Uint8Array();
      }
      await response.body?.cancel();
      if (status === 416) return new Uint8Array();
      const why = status === 200 || status === 206
        ? "it answers without the range that was asked for; download it first"
        : status === 412
        ? "it has changed while it was read; start again"
        : `it answered ${status} ${response.statusText}`;
      throw new BlobReadError(name, why);
    },
  };
}

function rangeStart(response: Response): number | undefined {
  const [, start] = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "") ?? [];
  return start === undefined ? undefined : Number(start);
}
