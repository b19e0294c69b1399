import { BlobNotFoundError, nameOf, ReferenceNotFoundError } from "../errors.ts";
import { createDigester } from "../content/digester.ts";
import type {
  ContentStore,
  Existence,
  OpenOptions,
  Resolver,
  Roots,
  StoreOptions,
} from "../content/store.ts";
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME } from "../oci/annotation.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { DigestAlgorithm } from "../oci/digest.ts";
import { referenceName } from "../oci/reference.ts";

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
   * @throws {UnsupportedAlgorithmError}
   * @throws {TypeError} where there are no bytes
   */
  async add(
    mediaType: string,
    bytes: Uint8Array,
    algorithm: DigestAlgorithm = "sha256",
  ): Promise<Descriptor> {
    // A hash takes a text too, but its length is none in bytes.
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError(`Cannot add a blob: expected a Uint8Array, found ${nameOf(bytes)}`);
    }
    const digester = await createDigester(algorithm);
    const copy = bytes.slice();
    await digester.update(copy);
    const digest = `${algorithm}:${await digester.digest()}`;
    this.#blobs.set(digest, copy);
    return { mediaType, digest, size: copy.length };
  }

  /**
   * Makes a descriptor a root under a name: {@linkcode MemoryStore.resolve} finds it by that, and
   * {@linkcode MemoryStore.roots} says it.
   *
   * @param name a tag, an image's full name, or the descriptor's own digest for no name at all
   */
  tag(name: string, descriptor: Descriptor): void {
    this.#roots.set(name, named(descriptor, name));
  }

  /**
   * The blob's bytes, copied.
   *
   * @throws {BlobNotFoundError}
   */
  open(
    { digest }: Descriptor,
    { offset = 0, length = Infinity, signal }: OpenOptions = {},
  ): Uint8Array | Promise<Uint8Array> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const blob = this.#blobs.get(digest);
    if (!blob) return Promise.reject(new BlobNotFoundError(digest, "memory"));
    return blob.slice(offset, offset + length);
  }

  /** Whether the blob has been added. */
  exists({ digest }: Descriptor, { signal }: StoreOptions = {}): Promise<boolean> {
    return answer(this.#blobs.has(digest), signal);
  }

  /**
   * The root of this name or digest.
   *
   * @throws {ReferenceNotFoundError}
   */
  async resolve(reference: string, options?: StoreOptions): Promise<Descriptor> {
    const digest = reference.replace(/^@/, "");
    const roots = await this.roots(options);
    const found = this.#roots.get(reference) ?? roots.find((root) => root.digest === digest);
    if (found) return found;
    throw new ReferenceNotFoundError(reference, "nothing in memory has this name");
  }

  /** What has been tagged, with the names as an index.json has them. */
  roots({ signal }: StoreOptions = {}): Promise<Descriptor[]> {
    return answer([...this.#roots.values()], signal);
  }
}

function answer<T>(value: T, signal: AbortSignal | undefined): Promise<T> {
  return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve(value);
}

function named(descriptor: Descriptor, name: string): Descriptor {
  const { annotations, digest } = descriptor;
  if (name === digest) return descriptor;
  const names: Record<string, string> = name.includes("/")
    ? { [ANNOTATION_IMAGE_NAME]: name, [ANNOTATION_REF_NAME]: referenceName(name) }
    : { [ANNOTATION_REF_NAME]: name };
  return { ...descriptor, annotations: { ...annotations, ...names } };
}
