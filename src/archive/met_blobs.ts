import { LimitError, SizeMismatchError } from "../errors.ts";
import { ANNOTATION_SUBJECT } from "../oci/annotation.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isNonDistributable } from "../oci/media_type.ts";
import type { ExportOptions } from "./options.ts";

/** The blobs that a walk meets, each once, and which of them are exported. */
export class MetBlobs {
  #options: ExportOptions;
  #exported = new Map<string, Descriptor>();
  #leftOut = new Set<string>();
  #missing = new Set<string>();
  /** Root indexes that nothing else leads to. */
  #onlyRoots = new Set<string>();
  #referrers = new Map<string, Descriptor>();
  /** Of the referrers, those that stand in the tree otherwise. */
  #inTree = new Set<string>();

  constructor(options: ExportOptions) {
    this.#options = options;
  }

  /** The blobs to export, by digest. */
  get exported(): ReadonlyMap<string, Descriptor> {
    return this.#exported;
  }

  /** The digest algorithms that get a directory. */
  get algorithms(): Set<string> {
    const algorithms = new Set<string>();
    for (const digests of [this.#exported.keys(), this.#leftOut]) {
      for (const digest of digests) {
        if (!this.#onlyRoots.has(digest)) algorithms.add(digest.slice(0, digest.indexOf(":")));
      }
    }
    return algorithms;
  }

  /** The referrers that do not stand in the tree otherwise, by digest. */
  get referrers(): Descriptor[] {
    return [...this.#referrers.values()]
      .filter(({ digest }) => !this.#inTree.has(digest))
      .sort((a, b) => a.digest < b.digest ? -1 : 1);
  }

  /** @throws {SizeMismatchError} where the blob had another size before */
  meet(descriptor: Descriptor): void {
    const { digest } = descriptor;
    if (this.#missing.has(digest)) return;
    this.#onlyRoots.delete(digest);
    this.#record(descriptor);
  }

  /** A root index: its own algorithm gets no directory, as containerd's bytes are without. */
  meetRootIndex(descriptor: Descriptor): void {
    const { digest } = descriptor;
    if (!this.#exported.has(digest) && !this.#leftOut.has(digest)) this.#onlyRoots.add(digest);
    this.#record(descriptor);
  }

  /** A root stands in the tree, even one that says it is a referrer, as of an archive exported again. */
  standsInTree(digest: string): void {
    this.#inTree.add(digest);
  }

  /** It is not there, and is not met again. */
  forget(digest: string): void {
    this.#missing.add(digest);
    for (const found of [this.#leftOut, this.#exported, this.#referrers, this.#inTree]) {
      found.delete(digest);
    }
  }

  #record(descriptor: Descriptor): void {
    const { digest, size, data } = descriptor;
    if (!this.#isWanted(descriptor)) return void this.#leftOut.add(digest);
    const asReferrer = isReferrer(descriptor);
    if (asReferrer) this.#referrers.set(digest, descriptor);
    const known = this.#exported.get(digest);
    if (!known) {
      const { maxBlobs = 250_000 } = this.#options;
      if (this.#exported.size >= maxBlobs) {
        throw new LimitError(`blob ${digest}`, "maxBlobs", maxBlobs);
      }
      this.#exported.set(digest, descriptor);
      return;
    }
    if (known.size !== size) {
      throw new SizeMismatchError(digest, known.size, size, "by another descriptor of it");
    }
    if (asReferrer !== isReferrer(known)) this.#inTree.add(digest);
    if (data && !known.data) this.#exported.set(digest, { ...known, data });
  }

  #isWanted(descriptor: Descriptor): boolean {
    const { skipNonDistributable, filter } = this.#options;
    if (skipNonDistributable && isNonDistributable(descriptor.mediaType)) return false;
    return !filter || filter(descriptor);
  }
}

/** Whether a descriptor says that its manifest refers to another one. */
function isReferrer({ annotations }: Descriptor): boolean {
  return annotations !== undefined && Object.hasOwn(annotations, ANNOTATION_SUBJECT);
}
