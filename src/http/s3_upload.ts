import type { ArchivePlan } from "../archive/plan.ts";
import type { Progress } from "../archive/stream.ts";
import { checkCounts, checkLimits, checkMilliseconds } from "../content/check_numbers.ts";
import { parseUrl } from "../content/transport.ts";
import type { S3ClientOptions, S3Credentials } from "./s3_client.ts";
import { S3Multipart, type S3Object } from "./s3_multipart.ts";

export type { S3ClientOptions, S3Credentials, S3Object };

/** How to upload to S3. */
export interface S3UploadOptions extends S3ClientOptions {
  /**
   * Bytes of a part; S3 takes 5 MiB at least. An archive of more than 10,000 parts gets larger ones.
   * @default {16777216}
   */
  partSize?: number | undefined;
  /**
   * How many parts to send at a time. Each takes its size in memory, and so does the next one.
   * @default {4}
   */
  concurrency?: number | undefined;
  /** Further headers of the object, such as `x-amz-storage-class`. */
  headers?: Record<string, string> | undefined;
  /** Ends the upload: what has arrived is removed, and the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * For how many milliseconds an upload that failed or was aborted may wait: for an answer that is
   * on its way, and for the removal of what has arrived.
   * @default {15000}
   */
  cleanupTimeout?: number | undefined;
  /** Told after each part how many bytes have arrived. */
  onProgress?: ((progress: Pick<Progress, "bytes" | "total">) => void) | undefined;
}

const MIB = 1 << 20;
/** S3 takes no smaller ones, but for the last. */
const MIN_PART_SIZE = 5 * MIB;
const MAX_PARTS = 10_000;

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
 * @throws {TypeError | RangeError} where the URL or the credentials are none, or an option is out of
 * range
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
  checkLimits(options, { maxAttempts: 1 });
  checkMilliseconds(options, { minDelay: 0, stallTimeout: 1 });
  // A cleanup not without end: an abort has to come to one.
  checkCounts(options, { cleanupTimeout: 0, partSize: MIN_PART_SIZE, concurrency: 1 });
  const { partSize = 16 * MIB, concurrency = 4, signal } = options;
  signal?.throwIfAborted();
  const upload = await S3Multipart.begin(plan, parseUrl(url), options);
  try {
    signal?.throwIfAborted();
    await upload.sendParts(roomyPartSize(plan.size, partSize), concurrency);
    signal?.throwIfAborted();
    return await upload.complete();
  } catch (error) {
    const failure: unknown = await upload.abort(error).then(() => error, (worse) => worse);
    const object = await upload.find(error);
    if (object) return object;
    throw failure;
  }
}

function roomyPartSize(size: number, partSize: number): number {
  return Math.max(partSize, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}
