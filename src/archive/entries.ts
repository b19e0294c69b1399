import type { Descriptor } from "../oci/descriptor.ts";
import { checkedBlobPath } from "../oci/digest.ts";
import { type HeaderFields, headerSize, paddingSize } from "../tar/header.ts";

/** One entry of the archive: a directory, a file that was made, or a blob. */
export interface ArchiveEntry {
  /** Its path, such as `blobs/sha256/…`. */
  readonly name: string;
  /** What the tar says of it. */
  readonly type: "directory" | "file";
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of its body. */
  readonly size: number;
  /** Where its header begins, in bytes from the archive's start. */
  readonly offset: number;
  /** Where its body begins, in bytes from the archive's start. */
  readonly bodyOffset: number;
  /** The blob that is its body. */
  readonly descriptor?: Descriptor;
  /** Its body in pieces, where it is made for this archive: anew for each loop over them. */
  readonly body?: Iterable<Uint8Array>;
}

/** What an entry that is no blob is made of: a directory, where it has no body. */
export interface MadeEntry extends Pick<ArchiveEntry, "name" | "mode" | "size" | "body"> {
  /** The digest of its body. */
  digest?: string;
}

/** Entries by their place, as an array of them has. */
export type EntryList = Pick<readonly ArchiveEntry[], "length" | "at">;

const BLOB_MODE = 0o444;

/**
 * The entries of an archive, each made when it is asked for: of 100,000 they take 20 MB, where each
 * begins 1.
 */
export class Entries implements EntryList, Iterable<ArchiveEntry> {
  readonly length: number;
  /** Of its whole length from the start: in growing it would leave twice its size behind. */
  #contents: (Descriptor | MadeEntry)[];
  /** Where each entry begins, and where the last one ends. */
  #offsets: Float64Array;

  /**
   * Puts one behind the other, by name, bytewise: all names are ASCII.
   *
   * @param blobs by digest, which has been checked
   */
  constructor(blobs: ReadonlyMap<string, Descriptor>, made: readonly MadeEntry[]) {
    this.length = blobs.size + made.length;
    this.#contents = new Array(this.length);
    this.#offsets = new Float64Array(this.length + 1);
    const waiting = [...made].sort((a, b) => a.name < b.name ? -1 : 1);
    let algorithm: string | undefined;
    let index = 0;
    // That of a blob, and for all of its algorithm: they are equally long, and take a while to make.
    let name = "";
    // Digests sort as their paths do.
    for (const digest of [...blobs.keys()].sort()) {
      if (algorithm === undefined || !digest.startsWith(algorithm)) {
        algorithm = digest.slice(0, digest.indexOf(":") + 1);
        name = checkedBlobPath(digest);
        while (waiting[0] && waiting[0].name < name) {
          this.#put(index++, waiting[0], waiting.shift()!);
        }
      }
      const descriptor = blobs.get(digest)!;
      this.#put(index++, descriptor, { name, size: descriptor.size, mode: BLOB_MODE });
    }
    for (const entry of waiting) this.#put(index++, entry, entry);
  }

  /** Where the last entry ends, padding included. */
  get end(): number {
    return this.#offsets[this.length]!;
  }

  at(index: number): ArchiveEntry | undefined {
    const content = this.#contents[index];
    if (!content) return undefined;
    const { size } = content;
    const offset = this.#offsets[index]!;
    // A body ends where its entry does, but for the padding.
    const bodyOffset = this.#offsets[index + 1]! - paddingSize(size) - size;
    if ("name" in content) {
      const { name, mode, body } = content;
      const place = { mode, size, offset, bodyOffset };
      return body ? { name, type: "file", ...place, body } : { name, type: "directory", ...place };
    }
    const name = checkedBlobPath(content.digest);
    return { name, type: "file", mode: BLOB_MODE, size, offset, bodyOffset, descriptor: content };
  }

  /** What each entry is made of. */
  get contents(): readonly (Descriptor | MadeEntry)[] {
    return this.#contents;
  }

  *[Symbol.iterator](): Generator<ArchiveEntry> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  #put(index: number, content: Descriptor | MadeEntry, fields: HeaderFields): void {
    const offset = this.#offsets[index]!;
    const end = offset + headerSize(fields) + fields.size + paddingSize(fields.size);
    if (!Number.isSafeInteger(end)) {
      throw new RangeError(`Cannot plan an archive of more than ${Number.MAX_SAFE_INTEGER} bytes`);
    }
    this.#contents[index] = content;
    this.#offsets[index + 1] = end;
  }
}
