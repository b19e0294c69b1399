import { BlobReadError } from "../errors.ts";
import { basic } from "../content/basic_auth.ts";
import { fetchAwaited } from "../content/fetch_awaited.ts";
import { chunksOf } from "../content/read.ts";
import type { BlobBody, OpenOptions } from "../content/store.ts";
import { plainUrl } from "../content/transport.ts";

/** Bytes that can be read from any offset: a file, a Blob, or what a URL answers. */
export interface ByteSource {
  /** What errors call it. */
  readonly name: string;
  /** Opens a part; what comes may be shorter than `length` where the bytes end. */
  open(options: OpenOptions & { offset: number; length: number }): Promise<BlobBody>;
}

/** How to reach a URL. */
export interface HttpSourceOptions {
  /**
   * Makes the requests; give your own to add headers.
   *
   * @default {globalThis.fetch}
   */
  fetch?: typeof globalThis.fetch | undefined;
  /**
   * Milliseconds without a byte behind which a read counts as broken.
   *
   * @default {30000}
   */
  stallTimeout?: number | undefined;
}

/** A Blob or File, such as an `<input type="file">` gives. */
export function blobSource(blob: Blob): ByteSource {
  const name = blob instanceof File ? blob.name : "the Blob";
  return {
    name,
    open({ offset, length, signal }) {
      // Opened by the first read: a generator that has not begun would not close it.
      let chunks: AsyncGenerator<Uint8Array> | undefined;
      return Promise.resolve(
        new ReadableStream<Uint8Array>({
          async pull(controller) {
            // A Blob's own stream hears of no signal.
            chunks ??= chunksOf(
              blob.slice(offset, offset + length).stream(),
              { digest: name },
              signal,
            );
            const { done, value } = await chunks.next();
            if (done) controller.close();
            else controller.enqueue(value);
          },
          cancel: () => void chunks?.return(undefined),
        }, { highWaterMark: 0 }),
      );
    },
  };
}

/** A file on disk, by its path or its `file:` URL; node:fs is loaded with the first read. */
export function fileSource(from: string | URL): ByteSource {
  const name = String(from);
  return {
    name,
    async open(options) {
      const { openFile } = await import("./file.ts");
      try {
        return await openFile(from, options);
      } catch (cause) {
        options.signal?.throwIfAborted();
        // A URL that is no file's is wrong use.
        if (cause instanceof TypeError) throw cause;
        throw new BlobReadError(name, fileFault(cause as Error), { cause });
      }
    },
  };
}

function fileFault({ code, message }: Error & { code?: string }): string {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file; check the path";
    case "EISDIR":
      return "it is a directory; a layout is read as one by LayoutStore (oci:DIR)";
    case "ESPIPE":
      return "it is a pipe, which can be read only once; save it as a file first";
    default:
      return message;
  }
}

/**
 * What a URL answers, by Range requests. Should it change while it is read, by its entity tag, the
 * read fails. A user in the URL is sent as `Authorization`.
 *
 * Source: [RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110.html#section-14).
 */
export function httpSource(
  from: URL,
  { fetch, stallTimeout }: HttpSourceOptions = {},
): ByteSource {
  const { url, authorization } = withoutUser(from);
  const name = plainUrl(url);
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
      if (authorization) headers.set("authorization", authorization);
      const { response, body } = await fetchAwaited(url, {
        fetch,
        headers,
        signal,
        stallTimeout,
        failed: (text, advice) =>
          new BlobReadError(name, `${text}; ${advice}`, { cause: new Error(text) }),
      });
      const { status } = response;
      const range = status === 206 ? rangeOf(response) : undefined;
      const isShort = range !== undefined && range.end < Math.min(offset + length, range.size);
      if (range?.start === offset && !isShort) {
        const tag = response.headers.get("etag");
        if (tag?.startsWith('"')) etag ??= tag;
        return body ?? new Uint8Array();
      }
      await body?.cancel();
      if (status === 416) return new Uint8Array();
      // Servers may send less. It would look like the end of the bytes.
      const why = isShort
        ? "it answers with less than the range that was asked for; download it first"
        : status === 200 || status === 206
        ? "it answers without the range that was asked for; download it first"
        : status === 412
        ? "it has changed while it was read; start again"
        : `it answered ${status} ${response.statusText}`;
      throw new BlobReadError(name, why);
    },
  };
}

/** The user of a URL as a header: fetch takes no URL that has one. */
export function withoutUser(from: URL): { url: URL; authorization?: string } {
  const url = new URL(from);
  if (url.username === "" && url.password === "") return { url };
  const authorization = basic(unescape(url.username), unescape(url.password));
  url.username = url.password = "";
  return { url, authorization };
}

/** Undoes % escapes; what is none stays as it is. */
function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The part that an answer has, and the size of the whole; zero where that is not told. */
function rangeOf(response: Response): { start: number; end: number; size: number } | undefined {
  const [, first, last, size] =
    /^bytes (\d+)-(\d+)\/(?:(\d+)|\*)/i.exec(response.headers.get("content-range") ?? "") ?? [];
  if (first === undefined) return undefined;
  return { start: Number(first), end: Number(last) + 1, size: Number(size ?? 0) };
}
