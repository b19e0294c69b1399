import type { ArchiveEntry } from "../archive/entries.ts";
import type { ArchivePlan } from "../archive/plan.ts";
import { chunksOf } from "../content/read.ts";
import type { BlobBody } from "../content/store.ts";
import { Verifier } from "../content/verify_stream.ts";
import { ArchiveError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { openFile } from "../stores/file.ts";

/** How much of a partial file is the archive's own. */
export interface Kept {
  /** Bytes that have been verified: whole entries. */
  verified: number;
  /** The blob that the file ends in, with how many of its bytes the file has. */
  cut?: { entry: ArchiveEntry; descriptor: Descriptor; length: number };
}

/** The beginning of an archive in a file, left by an export that was interrupted. */
export class PartialFile {
  readonly path: string;
  #plan: ArchivePlan;

  constructor(path: string, plan: ArchivePlan) {
    this.path = path;
    this.#plan = plan;
  }

  /**
   * Holds the file against the plan, entry by entry, up to the first that is not whole.
   *
   * @param size the bytes that the file has
   */
  async verify(size: number, signal: AbortSignal): Promise<Kept> {
    const { entries } = this.#plan;
    for (const [i, entry] of entries.entries()) {
      const end = entries[i + 1]?.offset ?? this.#plan.size;
      const { descriptor, offset, bodyOffset } = entry;
      if (end <= size && await this.#isWhole(entry, end, signal)) continue;
      const length = Math.min(size - bodyOffset, entry.size);
      if (end <= size || !descriptor || length <= 0 || !await this.#same(offset, bodyOffset)) {
        return { verified: offset };
      }
      return { verified: offset, cut: { entry, descriptor, length } };
    }
    return { verified: this.#plan.size };
  }

  /** A part of the file. */
  async open(start: number, end: number, signal?: AbortSignal): Promise<BlobBody> {
    return await openFile(this.path, { offset: start, length: end - start, signal });
  }

  async #isWhole(entry: ArchiveEntry, end: number, signal: AbortSignal): Promise<boolean> {
    const { descriptor, offset, bodyOffset, size } = entry;
    if (!descriptor) return await this.#same(offset, end);
    return await this.#same(offset, bodyOffset) && await this.#same(bodyOffset + size, end) &&
      await this.#isBlob(descriptor, bodyOffset, signal);
  }

  /** Whether the file has what the archive has there; for parts without a blob. */
  async #same(start: number, end: number): Promise<boolean> {
    const [expected, found] = await Promise.all([
      new Response(this.#plan.stream({ start, end })).arrayBuffer(),
      this.open(start, end).then((body) => new Response(body as BodyInit).arrayBuffer()),
    ]);
    const bytes = new Uint8Array(found);
    return expected.byteLength === bytes.length &&
      new Uint8Array(expected).every((byte, i) => byte === bytes[i]);
  }

  async #isBlob(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<boolean> {
    const verifier = await Verifier.create(descriptor);
    const body = await this.open(offset, offset + descriptor.size, signal);
    try {
      const pieces = body instanceof Uint8Array ? [body] : chunksOf(body, descriptor, signal);
      for await (const piece of pieces) await verifier.update(piece);
      await verifier.finish();
      return true;
    } catch (error) {
      if (error instanceof ArchiveError) return false;
      throw error;
    }
  }
}
