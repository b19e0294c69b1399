import type { ArchivePlan } from "../archive/plan.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { createDigester } from "../content/digester.ts";
import { quote } from "../errors.ts";
import { UploadError } from "../errors/remote.ts";
import { streamBody } from "./body.ts";
import { cutParts, type Part } from "./parts.ts";
import { escapeXml, S3Client, S3Refusal, xmlText } from "./s3_client.ts";
import type { S3UploadOptions } from "./s3_upload.ts";

/** Tells an upload's own object from another under the same key. */
const META_ETAG = "x-amz-meta-archive-etag";

/** An object in a bucket. */
export interface S3Object {
  /** As S3 gave it; it is not the archive's own. */
  etag: string;
  /** In bytes. */
  size: number;
}

/** A part that has arrived, as the list at the end names it. */
interface SentPart {
  number: number;
  etag: string;
  /** In base64, where the server keeps such checksums. */
  sha256?: string;
}

/** One multipart upload, from its beginning to the object or to nothing. */
export class S3Multipart {
  #plan: ArchivePlan;
  #url: URL;
  #client: S3Client;
  #options: S3UploadOptions;
  #uploadId: string;
  #sent: SentPart[] = [];
  #bytes = 0;
  /** Whether there may be an object by now. */
  #completing = false;

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
  ): Promise<S3Multipart> {
    const client = new S3Client(url, options);
    // Heard late: an upload whose identifier is lost could not be removed any more.
    const { text } = await hearLate(options, (signal) =>
      client.request({
        method: "POST",
        query: { uploads: "" },
        headers: {
          "content-type": "application/x-tar",
          ...options.headers,
          "x-amz-checksum-algorithm": "SHA256",
          [META_ETAG]: plan.etag,
        },
        signal,
      }));
    const uploadId = xmlText(text, "UploadId");
    if (!uploadId) throw new UploadError(url, 200, `no UploadId in the answer ${quote(text)}`);
    return new S3Multipart(plan, { url, client, uploadId }, options);
  }

  /** Resolves when all parts have arrived, and rejects when nothing is under way any more. */
  async sendParts(partSize: number, concurrency: number): Promise<void> {
    const { signal } = this.#options;
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener("abort", abort);
    const { size } = this.#plan;
    const buffers = new BufferPool();
    const archive = [{ start: 0, end: size }];
    const body = streamBody(this.#plan, archive, { signal: stop.signal, buffers });
    const underWay = new Set<Promise<void>>();
    try {
      for await (const part of cutParts(body, partSize, buffers)) {
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
    const sha256 = await digester.digest();
    this.#completing = true;
    // Heard late: to be interrupted here would leave open whether there is an object.
    const { text } = await hearLate(this.#options, (signal) =>
      this.#client.request({
        method: "POST",
        query: { uploadId: this.#uploadId },
        headers: { "content-type": "application/xml" },
        body,
        sha256,
        signal,
      }));
    return { etag: xmlText(text, "ETag") ?? "", size };
  }

  /** The object, where there is one after all, since only the last request's answer was lost. */
  async find(why: unknown): Promise<S3Object | undefined> {
    if (!this.#completing || isRefused(why)) return undefined;
    const { etag, size } = this.#plan;
    try {
      const { headers } = await this.#client.request({ method: "HEAD", signal: this.#soon() });
      const same = headers.get(META_ETAG) === etag &&
        headers.get("content-length") === String(size);
      return same ? { etag: headers.get("etag") ?? "", size } : undefined;
    } catch {
      // What ended the upload tells more.
      return undefined;
    }
  }

  /** Removes what has arrived. */
  async abort(why: unknown): Promise<void> {
    try {
      const query = { uploadId: this.#uploadId };
      await this.#client.request({ method: "DELETE", query, signal: this.#soon() });
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

  /** Ends what is asked after the upload's own signal. */
  #soon(): AbortSignal {
    return AbortSignal.timeout(patience(this.#options));
  }
}

function patience({ cleanupTimeout = 15_000 }: S3UploadOptions): number {
  return cleanupTimeout;
}

/** Lets a task hear the upload's signal only when there was time for an answer on its way. */
async function hearLate<T>(
  options: S3UploadOptions,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  const late = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const abort = () => {
    timer = setTimeout(() => late.abort(signal?.reason), patience(options));
  };
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  try {
    return await task(late.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Whether S3 said no, and not that it does not know the upload, as of one that is complete. */
function isRefused(error: unknown): boolean {
  return error instanceof S3Refusal && error.code !== "NoSuchUpload" &&
    error.status !== undefined && error.status >= 400 && error.status < 500;
}

function base64(hex: string): string {
  return btoa(hex.replace(/../g, (byte) => String.fromCharCode(parseInt(byte, 16))));
}
