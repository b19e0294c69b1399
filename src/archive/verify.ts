import { ArchiveError, InvalidTarError, LimitError, nameOf } from "../errors.ts";
import { checkLimits } from "../content/check_numbers.ts";
import { concat } from "../content/concat.ts";
import { chunksOf, isStream } from "../content/read.ts";
import { Verifier, type VerifyOptions } from "../content/verify_stream.ts";
import { parseDigest } from "../oci/digest.ts";
import { ByteReader } from "../tar/byte_reader.ts";
import { paddingSize } from "../tar/header.ts";
import { readEntry, type TarEntry, truncated } from "../tar/reader.ts";
import { type FoundBlob, parseDocument, ReferenceJudge } from "./references.ts";
import type { ArchiveFinding, ArchiveReport, FindingCode } from "./report.ts";

/** How to read an archive back. */
export interface VerifyArchiveOptions extends VerifyOptions {
  /**
   * The most bytes of one manifest to take into memory.
   * @default {4194304}
   */
  maxManifestSize?: number | undefined;
  /** Ends the reading: the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called for each entry, with the bytes read so far. */
  onProgress?: ((progress: { bytes: number; entry: string }) => void) | undefined;
  /** Called for each problem as soon as it is found. What it throws ends the reading. */
  onProblem?: ((problem: ArchiveFinding) => void) | undefined;
}

/** What may stand before the brace. */
const JSON_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** index.json may list many images. */
const MAX_FILE = 64 << 20;

/**
 * Reads an OCI archive back, whoever wrote it, and judges it: every header, every digest and size,
 * every reference from index.json down, duplicates and strays. In one pass, so that it works on a
 * pipe; memory grows with the number of entries only.
 *
 * What is wrong with the archive is in the report. The call itself fails only where the stream does.
 *
 * @param archive the tar, not compressed
 * @throws {BlobReadError} where the stream fails
 * @throws {TypeError | RangeError} where there is no stream, or `maxManifestSize` is no number
 *
 * @example
 * ```ts
 * import { verifyArchive } from "@oci/archive";
 *
 * const report = await verifyArchive(new Blob(["no tar"]).stream());
 * console.log(report.ok, report.problems[0]?.message);
 * // false Cannot read the tar at byte 0: it ends before a header; it was cut short
 * ```
 */
export async function verifyArchive(
  archive: ReadableStream<Uint8Array>,
  options: VerifyArchiveOptions = {},
): Promise<ArchiveReport> {
  checkLimits(options, { maxManifestSize: 0 });
  if (!isStream(archive)) {
    throw new TypeError(
      `Cannot verify: expected a ReadableStream of the tar, found ${nameOf(archive)}`,
    );
  }
  const reader = new ByteReader(chunksOf(archive, { digest: "archive" }, options.signal));
  const judge = new Judge(reader, options);
  try {
    await judge.readEntries();
    await judge.readTrailer();
  } catch (error) {
    if (!(error instanceof InvalidTarError)) throw error;
    judge.problem("tar", `byte ${error.offset}`, error.message);
  } finally {
    await reader.close();
  }
  return judge.report();
}

class Judge {
  #reader: ByteReader;
  #options: VerifyArchiveOptions;
  #names = new Set<string>();
  #blobs = new Map<string, FoundBlob>();
  #files = new Map<string, Uint8Array>();
  #problems: ArchiveFinding[] = [];
  #warnings: ArchiveFinding[] = [];

  constructor(reader: ByteReader, options: VerifyArchiveOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  problem(code: FindingCode, name: string, message: string): void {
    const problem = { code, name, message };
    this.#problems.push(problem);
    this.#options.onProblem?.(problem);
  }

  #warning(code: FindingCode, name: string, message: string): void {
    this.#warnings.push({ code, name, message });
  }

  async readEntries(): Promise<void> {
    const read = (length: number) => this.#reader.exactly(length);
    for (;;) {
      const entry = await readEntry(read, this.#reader.position);
      if (!entry) return;
      this.#options.onProgress?.({ bytes: this.#reader.position, entry: entry.name });
      await this.#readBody(entry);
    }
  }

  async #readBody(entry: TarEntry): Promise<void> {
    const name = entry.name.replace(/^(?:\.\/)+/, "");
    if (name.startsWith("/") || name.split("/").includes("..")) {
      this.problem("name", entry.name, "its path leads out of the archive");
    }
    const isFile = entry.type === "0";
    if (isFile && this.#names.has(name)) this.problem("duplicate", name, "it is there twice");
    this.#names.add(name);
    if (!isFile && entry.type !== "5") {
      this.problem("type", name, `it is neither file nor directory but of type ${entry.type}`);
    }
    const path = isFile ? /^blobs\/([^/]+)\/([^/]+)$/.exec(name) : null;
    if (path) {
      await this.#readBlob(`${path[1]}:${path[2]}`, entry);
    } else if (["oci-layout", "index.json", "manifest.json"].includes(name) && isFile) {
      if (entry.size > MAX_FILE) {
        this.problem("size", name, `it has ${entry.size} bytes, more than ${MAX_FILE}`);
        await this.#skip(entry);
      } else {
        this.#files.set(name, await this.#readWhole(entry));
      }
    } else {
      if (isFile) this.#warning("stray", name, "it is no part of an OCI image layout");
      await this.#skip(entry);
    }
    await this.#skip({ ...entry, size: paddingSize(entry.size) });
  }

  async #readBlob(digest: string, entry: TarEntry): Promise<void> {
    const { size, name } = entry;
    let verifier: Verifier | undefined;
    try {
      parseDigest(digest);
      verifier = await Verifier.create({ digest, size }, this.#options);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      this.problem("name", name, error.message);
    }
    const { maxManifestSize = 4 << 20 } = this.#options;
    const kept: Uint8Array[] = [];
    // What may be a manifest is kept until its digest is known: they begin with a brace.
    let mayBeManifest = size <= maxManifestSize;
    let first: number | undefined;
    for await (const bytes of this.#body(entry)) {
      await verifier?.update(bytes);
      if (mayBeManifest) {
        first ??= bytes.find((byte) => !JSON_SPACE.has(byte));
        mayBeManifest = first === undefined || first === 0x7b;
      }
      if (mayBeManifest) kept.push(bytes.slice());
    }
    try {
      await verifier?.finish();
      const document = size > maxManifestSize
        ? new LimitError(`blob ${digest} of ${size} bytes`, "maxManifestSize", maxManifestSize)
        : mayBeManifest
        ? parseDocument(concat(kept, size), digest)
        : undefined;
      if (verifier) this.#blobs.set(digest, { size, intact: true, document });
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      this.problem("digest", name, error.message);
      this.#blobs.set(digest, { size, intact: false });
    }
  }

  async *#body({ size, name }: TarEntry): AsyncGenerator<Uint8Array> {
    for (let missing = size; missing > 0;) {
      const bytes = await this.#reader.some(missing);
      if (bytes.length === 0) throw truncated(this.#reader.position, `the end of ${name}`);
      missing -= bytes.length;
      yield bytes;
    }
  }

  async #skip(entry: TarEntry): Promise<void> {
    for await (const _ of this.#body(entry));
  }

  async #readWhole(entry: TarEntry): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const bytes of this.#body(entry)) pieces.push(bytes.slice());
    return concat(pieces, entry.size);
  }

  /** The second zero block, and nothing but zeros behind it: tools fill up to 10 KiB. */
  async readTrailer(): Promise<void> {
    const at = this.#reader.position;
    const second = await this.#reader.exactly(512);
    if (second.length < 512) throw truncated(at, "the end of the trailer");
    for (let bytes = second; bytes.length > 0; bytes = await this.#reader.some(1 << 20)) {
      if (bytes.every((byte) => byte === 0)) continue;
      throw new InvalidTarError(at, "there are bytes behind the trailer");
    }
  }

  report(): ArchiveReport {
    const complete = !this.#problems.some(({ code }) => code === "tar");
    // Of an archive that breaks off, whatever comes later would be reported as missing.
    const images = complete
      ? new ReferenceJudge(
        this.#files,
        this.#blobs,
        (...finding) => this.problem(...finding),
        (...finding) => this.#warning(...finding),
      ).judge()
      : [];
    return {
      ok: this.#problems.length === 0,
      size: this.#reader.position,
      entries: this.#names.size,
      blobs: this.#blobs.size,
      images,
      problems: this.#problems,
      warnings: this.#warnings,
    };
  }
}
