import type { ArchivePlan } from "../archive/plan.ts";
import type { Progress } from "../archive/stream.ts";
import { createDigester } from "../content/digester.ts";
import { quote, UploadError } from "../errors.ts";
import { streamBody } from "./body.ts";
import { cutParts, type Part } from "./parts.ts";
import {
  escapeXml,
  S3Client,
  type S3ClientOptions,
  type S3Credentials,
  S3Refusal,
  xmlText,
} from "./s3_client.ts";

export type { S3Credentials };

/** How to upload to S3. */
export interface S3UploadOptions extends S3ClientOptions {
  /**
   * Bytes of a part; S3 takes 5 MiB at least. An archive of more than 10,000 parts gets larger ones.
   * @default {16777216}
   */
  partSize?: number;
  /**
   * How many parts to send at a time. Each takes its size in memory, and so does the next one.
   * @default {4}
   */
  concurrency?: number;
  /** Further headers of the object, such as `x-amz-storage-class`. */
  headers?: Record<string, string>;
  /** Ends the upload: what has arrived is removed, and the call rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Told after each part how many bytes have arrived. */
  onProgress?: (progress: Pick<Progress, "bytes" | "total">) => void;
}

/** An object in a bucket. */
export interface S3Object {
  /** As S3 gave it; it is not the archive's own. */
  etag: string;
  /** In bytes. */
  size: number;
}

const MIB = 1 << 20;
const MAX_PARTS = 10_000;
/** Tells an upload's own object from another under the same key. */
const META_ETAG = "x-amz-meta-archive-etag";

/**
 * Uploads an archive to S3 or what speaks its language, in parts that are ranges of the archive:
 * several at a time, each tried again alone, each with its SHA-256 for the server to check. On
 * failure or abort the parts are removed.
 *
 * The archive is read once, from front to back, each blob verified on the way; parts wait in memory
 * until they have arrived. The object comes to be by a last request, which is sent only after every
 * blob has passed: a corrupt blob never makes an object.
 *
 * Source: [S3, "Multipart upload"](https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
 *
 * @param url of the object: `https://bucket.s3.eu-central-1.amazonaws.com/app.tar`, or with the
 * bucket in the path
 * @throws {UploadError} where the server refuses, or cannot be reached
 * @throws {ArchiveError} where the archive could not be read; it names the blob
 *
 * @example
 * ```ts
 * import type { ArchivePlan } from "@oci/archive";
 * import { type S3Credentials, s3Upload } from "@oci/archive/http";
 *
 * async function upload(plan: ArchivePlan, credentials: S3Credentials) {
 *   const url = "https://s3.example.com/bucket/app.tar";
 *   const { size, etag } = await s3Upload(plan, url, { credentials });
 *   console.log(size, etag);
 * }
 * console.log(upload.length); // 2
 * ```
 */
export async function s3Upload(
  plan: ArchivePlan,
  url: string | URL,
  options: S3UploadOptions,
): Promise<S3Object> {
  const { partSize = 16 * MIB, concurrency = 4, signal } = options;
  if (!Number.isSafeInteger(partSize) || partSize < 5 * MIB) {
    throw new RangeError(`Cannot send parts of ${partSize} bytes: S3 takes ${5 * MIB} or more`);
  }
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`Cannot send ${concurrency} parts at a time: expected 1 or more`);
  }
  signal?.throwIfAborted();
  const upload = await MultipartUpload.begin(plan, new URL(url), options);
  try {
    await upload.sendParts(roomyPartSize(plan.size, partSize), concurrency);
    signal?.throwIfAborted();
    return await upload.complete();
  } catch (error) {
    await upload.abort(error);
    throw error;
  }
}

function roomyPartSize(size: number, partSize: number): number {
  return Math.max(partSize, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}

/** A part that has arrived, as the list at the end names it. */
interface SentPart {
  number: number;
  etag: string;
  /** In base64, where the server keeps such checksums. */
  sha256?: string;
}

class MultipartUpload {
  #plan: ArchivePlan;
  #url: URL;
  #client: S3Client;
  #options: S3UploadOptions;
  #uploadId: string;
  #sent: SentPart[] = [];
  #bytes = 0;

  private constructor(
    plan: ArchivePlan,
    { url, client, uploadId }: { url: URL; client: S3Client; uploadId: string },
    options: S3UploadOptions,
  ) {
    this.#plan = plan;
    this.#url = url;
    this.#client = client;
    this.#options = options;
    this.#uploadId = uploadId;
  }

  static async begin(
    plan: ArchivePlan,
    url: URL,
    options: S3UploadOptions,
  ): Promise<MultipartUpload> {
    const client = new S3Client(url, options);
    // Without the signal: an upload whose identifier is lost could not be removed any more.
    const { text } = await client.request({
      method: "POST",
      query: { uploads: "" },
      headers: {
        "content-type": "application/x-tar",
        ...options.headers,
        "x-amz-checksum-algorithm": "SHA256",
        [META_ETAG]: plan.etag,
      },
    });
    const uploadId = xmlText(text, "UploadId");
    if (!uploadId) throw new UploadError(url, 200, `no UploadId in the answer ${quote(text)}`);
    return new MultipartUpload(plan, { url, client, uploadId }, options);
  }

  /** Resolves when all parts have arrived, and rejects when nothing is under way any more. */
  async sendParts(partSize: number, concurrency: number): Promise<void> {
    const { signal } = this.#options;
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener("abort", abort);
    const { size } = this.#plan;
    const body = streamBody(this.#plan, [{ start: 0, end: size }], { signal: stop.signal });
    const underWay = new Set<Promise<void>>();
    try {
      for await (const part of cutParts(body, partSize)) {
        const sending = this.#sendPart(part, stop.signal).finally(() => underWay.delete(sending));
        // The first failure ends the reading at once, not only when the next part is full.
        sending.catch((error) => stop.abort(error));
        underWay.add(sending);
        if (underWay.size >= concurrency) await Promise.race(underWay);
      }
      await Promise.all(underWay);
    } catch (error) {
      stop.abort(error);
      throw error;
    } finally {
      // A part that arrives after the upload was aborted might stay.
      await Promise.allSettled(underWay);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #sendPart({ number, bytes, release }: Part, signal: AbortSignal): Promise<void> {
    const digester = await createDigester("sha256");
    await digester.update(bytes);
    const sha256 = await digester.digest();
    const { headers } = await this.#client.request({
      method: "PUT",
      query: { partNumber: String(number), uploadId: this.#uploadId },
      headers: { "x-amz-checksum-sha256": base64(sha256) },
      body: bytes,
      sha256,
      signal,
    });
    const etag = headers.get("etag");
    if (!etag) {
      const why = `part ${number} got no ETag; a bucket has to expose it to other origins`;
      throw new UploadError(this.#url, 200, why);
    }
    const kept = headers.get("x-amz-checksum-sha256");
    this.#sent.push({ number, etag, ...(kept && { sha256: kept }) });
    this.#bytes += bytes.length;
    release();
    this.#options.onProgress?.({ bytes: this.#bytes, total: this.#plan.size });
  }

  /** Makes the object of the parts. */
  async complete(): Promise<S3Object> {
    const { size } = this.#plan;
    const list = this.#sent.sort((a, b) => a.number - b.number).map(({ number, etag, sha256 }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag>${
        sha256 ? `<ChecksumSHA256>${escapeXml(sha256)}</ChecksumSHA256>` : ""
      }</Part>`
    ).join("");
    const body = new TextEncoder().encode(
      '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        `${list}</CompleteMultipartUpload>`,
    );
    const digester = await createDigester("sha256");
    await digester.update(body);
    try {
      // Without the signal: to be interrupted here would leave open whether there is an object.
      const { text } = await this.#client.request({
        method: "POST",
        query: { uploadId: this.#uploadId },
        headers: { "content-type": "application/xml" },
        body,
        sha256: await digester.digest(),
      });
      return { etag: xmlText(text, "ETag") ?? "", size };
    } catch (error) {
      const done = await this.#wasCompleted(error);
      if (done) return done;
      throw error;
    }
  }

  /** The object, where the first try made it and only its answer was lost. */
  async #wasCompleted(error: unknown): Promise<S3Object | undefined> {
    if (!(error instanceof S3Refusal) || error.code !== "NoSuchUpload" || error.tries === 0) {
      return undefined;
    }
    const { headers } = await this.#client.request({ method: "HEAD" });
    const { etag, size } = this.#plan;
    const same = headers.get(META_ETAG) === etag && headers.get("content-length") === String(size);
    return same ? { etag: headers.get("etag") ?? "", size } : undefined;
  }

  /** Removes what has arrived. */
  async abort(why: unknown): Promise<void> {
    try {
      await this.#client.request({ method: "DELETE", query: { uploadId: this.#uploadId } });
    } catch (error) {
      if (error instanceof S3Refusal && error.code === "NoSuchUpload") return;
      const trouble = why instanceof Error ? why.message : String(why);
      throw new UploadError(
        this.#url,
        error instanceof UploadError ? error.status : undefined,
        `${trouble}; and the parts of upload ${this.#uploadId} could not be removed`,
        { cause: why },
      );
    }
  }
}

function base64(hex: string): string {
  return btoa(hex.replace(/../g, (byte) => String.fromCharCode(parseInt(byte, 16))));
}
