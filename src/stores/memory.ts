import { BlobNotFoundError, ReferenceNotFoundError } from "../errors.ts";
import { createDigester } from "../content/digester.ts";
import type { ContentStore, Existence, OpenOptions, Resolver, Roots } from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { DigestAlgorithm } from "../oci/digest.ts";

/**
 * Blobs in memory: for tests, for images made on the spot, and on runtimes without a disk.
 *
 * @example
 * ```ts
 * import { MemoryStore } from "@oci/archive";
 *
 * const store = new MemoryStore();
 * const layer = await store.add("application/octet-stream", new TextEncoder().encode("hello"));
 * console.log(layer.size, await store.exists(layer)); // 5 true
 * ```
 */
export class MemoryStore implements ContentStore, Existence, Resolver, Roots {
  #blobs = new Map<string, Uint8Array>();
  #roots = new Map<string, Descriptor>();

  /**
   * Keeps a copy of a blob; returns its descriptor.
   *
   * @param algorithm of the digest
   */
  async add(
    mediaType: string,
    bytes: Uint8Array,
    algorithm: DigestAlgorithm = "sha256",
  ): Promise<Descriptor> {
    const digester = await createDigester(algorithm);
    const copy = bytes.slice();
    await digester.update(copy);
    const digest = `${algorithm}:${await digester.digest()}`;
    this.#blobs.set(digest, copy);
    return { mediaType, digest, size: copy.length };
  }

  /** Makes a descriptor a root, and gives it a name by which {@linkcode MemoryStore.resolve} finds it. */
  tag(name: string, descriptor: Descriptor): void {
    this.#roots.set(name, descriptor);
  }

  open(
    { digest }: Descriptor,
    { offset = 0, length = Infinity, signal }: OpenOptions = {},
  ): Uint8Array | Promise<Uint8Array> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const blob = this.#blobs.get(digest);
    if (!blob) return Promise.reject(new BlobNotFoundError(digest, "memory"));
    return blob.slice(offset, offset + length);
  }

  exists({ digest }: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#blobs.has(digest));
  }

  resolve(reference: string): Promise<Descriptor> {
    const found = this.#roots.get(reference) ??
      [...this.#roots.values()].find(({ digest }) => digest === reference);
    if (found) return Promise.resolve(found);
    return Promise.reject(new ReferenceNotFoundError(reference, "nothing in memory has this name"));
  }

  roots(): Promise<Descriptor[]> {
    return Promise.resolve([...this.#roots.values()]);
  }
}
