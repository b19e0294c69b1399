import type { Descriptor } from "../oci/descriptor.ts";
import type { BufferPool } from "./buffer_pool.ts";

/** What a store's calls have in common. */
export interface StoreOptions {
  /** Ends the call: it rejects with the signal's reason, and what it opened is closed. */
  signal?: AbortSignal | undefined;
}

/** Which part of a blob to open. */
export interface OpenOptions extends StoreOptions {
  /**
   * The first byte wanted, counted from the blob's start.
   * @default {0}
   */
  offset?: number | undefined;
  /**
   * How many bytes are wanted at most.
   * @default {the rest of the blob}
   */
  length?: number | undefined;
  /**
   * Where to take buffers from. The caller gives large ones back; small bodies may share one, and
   * are to be copied rather than transferred.
   * @default {fresh ones}
   */
  buffers?: BufferPool | undefined;
}

/** A blob's bytes: a stream, or all of them where they are few and at hand. */
export type BlobBody = ReadableStream<Uint8Array> | Uint8Array;

/**
 * Where blobs live. This one method is all that an archive needs; whatever else a store can do, it
 * says by having the method: {@linkcode Resolver}, {@linkcode Roots}, {@linkcode Referrers},
 * {@linkcode Labels}, {@linkcode Existence}.
 *
 * A store need not verify: whoever reads does, on the way. It need not compare `size` with the bytes
 * either; where it does, it throws a `SizeMismatchError`.
 *
 * @example A store over anything that answers with bytes
 * ```ts
 * import { BlobNotFoundError, type ContentStore } from "@oci/archive";
 *
 * const blobs = new Map<string, Uint8Array>();
 * const store: ContentStore = {
 *   open: ({ digest }, { offset = 0, length = Infinity } = {}) => {
 *     const blob = blobs.get(digest);
 *     if (!blob) return Promise.reject(new BlobNotFoundError(digest, "the map"));
 *     return blob.slice(offset, offset + length);
 *   },
 * };
 * console.log(typeof store.open); // function
 * ```
 */
export interface ContentStore {
  /**
   * Opens a blob, or a part of it. What it returns belongs to the caller, who may keep the bytes,
   * change them or transfer them; a stream is read to its end or cancelled. Bytes that are at hand
   * may come at once, without a promise; a failure is always a promise's.
   *
   * @throws {BlobNotFoundError} where the store does not have the blob
   * @throws {BlobReadError} where it has it and cannot read it; so may the stream, later
   */
  open(descriptor: Descriptor, options?: OpenOptions): BlobBody | Promise<BlobBody>;
  /**
   * How many blobs may be opened ahead of the one that is being read, so that their latencies
   * overlap.
   * @default {0}
   */
  readonly lookAhead?: number | undefined;
}

/** A store that knows names. */
export interface Resolver {
  /**
   * The descriptor behind a tag, a name or a digest.
   * @throws {ReferenceNotFoundError}
   */
  resolve(reference: string, options?: StoreOptions): Promise<Descriptor>;
}

/** A store that can say what it holds, as a layout's index.json does. */
export interface Roots {
  /** The descriptors of the manifests and indexes that stand on their own, in the store's order. */
  roots(options?: StoreOptions): Promise<Descriptor[]>;
}

/** A store that knows which manifests refer to another: signatures, SBOMs, attestations. */
export interface Referrers {
  /**
   * The descriptors of the manifests whose `subject` is this one, with their artifact type and
   * annotations; empty where there are none.
   */
  referrers(subject: Descriptor, options?: StoreOptions): Promise<Descriptor[]>;
}

/** A store that keeps labels beside its blobs, as containerd does. */
export interface Labels {
  /** The blob's labels; empty where it has none, or is not there. */
  labels(descriptor: Descriptor, options?: StoreOptions): Promise<Record<string, string>>;
}

/** A store that can say whether it has a blob without opening it. */
export interface Existence {
  /** Whether the blob is there. Its bytes may still be damaged. */
  exists(descriptor: Descriptor, options?: StoreOptions): Promise<boolean>;
}
