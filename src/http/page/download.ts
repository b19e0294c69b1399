/// <reference lib="dom" />
import type { ArchiveFinding, ArchiveReport } from "../../archive/report.ts";
import { verifyArchive } from "../../archive/verify.ts";
import { BlobReadError } from "../../errors.ts";
import { fetchArchive } from "./fetch_archive.ts";
import type { Sink } from "./save.ts";

/** What to download. */
export interface Download {
  url: string;
  etag: string;
  /** In bytes. */
  size: number;
  /** Where its entries begin. */
  offsets: readonly number[];
}

/** Whom to tell how it goes. */
export interface DownloadOptions {
  signal: AbortSignal;
  /** Told of each chunk that has been written, with the bytes so far. */
  onBytes: (bytes: number) => void;
  /** Told of each blob whose digest is right. */
  onBlob: (digest: string) => void;
  onResume: (bytes: number) => void;
}

/** An archive that is not what it says. */
export class DamagedArchiveError extends Error {
  override readonly name = "DamagedArchiveError";
  /** The digest of the blob at fault, where it is one. */
  readonly digest: string | undefined;
  constructor({ name, message }: ArchiveFinding) {
    super(message);
    this.digest = blobDigest(name);
  }
}

/**
 * Fetches an archive into a sink and verifies it as it passes: every digest, header and reference.
 * The sink is closed only when all is right, else aborted.
 *
 * @throws {DamagedArchiveError} at the first problem
 */
export async function download(
  { url, ...archive }: Download,
  sink: Sink,
  { signal, onBytes, onBlob, onResume }: DownloadOptions,
): Promise<ArchiveReport> {
  let bytes = 0;
  let current: string | undefined;
  const saving = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    async transform(chunk, controller) {
      await sink.write(chunk);
      onBytes(bytes += chunk.length);
      controller.enqueue(chunk);
    },
  });
  try {
    const body = fetchArchive(url, { ...archive, signal, onResume }).pipeThrough(saving);
    const report = await verifyArchive(body, {
      signal,
      onProblem(problem) {
        throw new DamagedArchiveError(problem);
      },
      onProgress({ entry }) {
        // The next entry begins: the one before has passed.
        if (current) onBlob(current);
        current = blobDigest(entry);
      },
    });
    await sink.close();
    return report;
  } catch (error) {
    await sink.abort();
    // What is wrong with the transfer comes wrapped, as if the archive were a blob.
    throw error instanceof BlobReadError && error.cause ? error.cause : error;
  }
}

/** The digest that a blob's path says it has. */
function blobDigest(path: string): string | undefined {
  const [, algorithm, hex] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  return hex && `${algorithm}:${hex}`;
}
