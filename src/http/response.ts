import type { ArchivePlan } from "../archive/plan.ts";
import { checkVerify } from "../archive/stream.ts";
import { checkLimits } from "../content/check_numbers.ts";
import { bodyLength, type BodyOptions, type Piece, streamBody } from "./body.ts";
import { checkPreconditions, rangeCounts } from "./conditional.ts";
import { attachment, defaultFilename } from "./filename.ts";
import { byteRanges } from "./multipart.ts";
import { problemResponse } from "./problem.ts";
import { type ByteRange, contentRange, parseRange } from "./range.ts";

/** How to answer with an archive. */
export interface ArchiveResponseOptions extends BodyOptions {
  /**
   * Under which name a browser saves the archive.
   * @default {the image's name and tag, as in alpine-3.20.tar}
   */
  filename?: string | undefined;
  /**
   * `Cache-Control`. The default lets caches keep the archive and makes them ask by its ETag, since
   * a tag may point elsewhere tomorrow; and it forbids them to compress it, which would undo the
   * length, the ETag and ranges.
   * @default {"no-cache, no-transform"}
   */
  cacheControl?: string | undefined;
  /**
   * How many ranges one request may ask for; with more, or with ranges that overlap, it gets the
   * whole archive.
   * @default {16, and 1 where verify is "blob": each would have its blobs read whole}
   */
  maxRanges?: number | undefined;
  /** Further headers. Those that the archive itself decides are set over them. */
  headers?: RequestInit["headers"] | undefined;
}

const TAR = "application/x-tar";

/**
 * Answers a GET or HEAD with an archive, by [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110): its
 * exact Content-Length, a strong ETag, the conditions `If-Match`, `If-None-Match` and `If-Range`,
 * and ranges, one or several. HEAD, 304, 412 and 416 open no blob.
 *
 * A failure under way, such as a corrupt blob, breaks the transfer: its last bytes are never sent,
 * and no client takes it for whole. A range verifies each blob whose last byte it has, and reads
 * that one whole for it, so that no download that goes on after a break completes a corrupt blob;
 * `verify` chooses otherwise. Whoever puts ranges together verifies the result all the same, as
 * `oci-archive verify` and every image loader do.
 *
 * Bun.serve sends every stream in chunks and drops the Content-Length; node:http on Bun keeps it.
 *
 * @throws {RangeError} where `maxRanges` is no number, or `verify` none of its words
 *
 * @example
 * ```ts
 * import { MediaType, MemoryStore, planArchive } from "@oci/archive";
 * import { archiveResponse } from "@oci/archive/http";
 *
 * const store = new MemoryStore();
 * const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
 * const config = await store.add(MediaType.ImageConfig, text({ os: "linux" }));
 * const root = await store.add(
 *   MediaType.ImageManifest,
 *   text({ schemaVersion: 2, config, layers: [] }),
 * );
 * const plan = await planArchive(store, [root]);
 *
 * const request = new Request("https://example.com/a.tar", { headers: { range: "bytes=0-511" } });
 * const response = archiveResponse(plan, request);
 * console.log(response.status, response.headers.get("content-length")); // 206 512
 * await response.body?.cancel();
 * ```
 */
export function archiveResponse(
  plan: ArchivePlan,
  request: Request,
  options: ArchiveResponseOptions = {},
): Response {
  checkResponseOptions(options);
  const { method } = request;
  if (method !== "GET" && method !== "HEAD") {
    const detail = `An archive can be read by GET and HEAD only, not by ${method}`;
    return problemResponse({ status: 405, detail }, request, { allow: "GET, HEAD" });
  }
  const { etag, size } = plan;
  const headers = new Headers(options.headers);
  headers.set("etag", etag);
  headers.set("accept-ranges", "bytes");
  headers.set("cache-control", options.cacheControl ?? "no-cache, no-transform");
  const condition = checkPreconditions(request.headers, etag);
  if (condition === 304) return new Response(null, { status: 304, headers });
  if (condition === 412) {
    const detail = `The archive is another one by now: its ETag is ${etag}`;
    return problemResponse({ status: 412, detail }, request, headers);
  }
  const ranges = wantedRanges(plan, request, options);
  if (ranges?.length === 0) {
    headers.set("content-range", `bytes */${size}`);
    const detail = `The archive has ${size} bytes, none of them in the range`;
    return problemResponse({ status: 416, detail }, request, headers);
  }
  headers.set("content-type", TAR);
  headers.set("content-disposition", attachment(options.filename ?? defaultFilename(plan)));
  headers.set("x-content-type-options", "nosniff");
  let pieces: Piece[] = ranges ?? [{ start: 0, end: size }];
  if (ranges?.length === 1) {
    headers.set("content-range", contentRange(ranges[0]!, size));
  } else if (ranges) {
    const multipart = byteRanges(ranges, size, TAR);
    headers.set("content-type", multipart.contentType);
    pieces = multipart.pieces;
  }
  headers.set("content-length", String(bodyLength(pieces)));
  const status = ranges ? 206 : 200;
  // HEAD makes no stream: some runtimes would read it to its end.
  if (method === "HEAD") return new Response(null, { status, headers });
  return new Response(streamBody(plan, pieces, options), { status, headers });
}

/**
 * Looks at what is no matter of a request.
 *
 * @throws {RangeError}
 */
export function checkResponseOptions(options: ArchiveResponseOptions): void {
  checkLimits(options, { maxRanges: 0 });
  checkVerify(options.verify);
}

/** The ranges to answer; undefined where it is the whole. Only GET has ranges: section 14.2. */
function wantedRanges(
  { etag, size }: ArchivePlan,
  { method, headers }: Request,
  options: ArchiveResponseOptions,
): ByteRange[] | undefined {
  const range = headers.get("range");
  if (method !== "GET" || range === null || !rangeCounts(headers, etag)) return undefined;
  const { verify, maxRanges = verify === "blob" ? 1 : 16 } = options;
  return parseRange(range, size, { maxRanges });
}
