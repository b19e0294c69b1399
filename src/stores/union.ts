import { BlobNotFoundError } from "../errors.ts";
import { hasBlob } from "../content/read.ts";
import type {
  BlobBody,
  ContentStore,
  Existence,
  Labels,
  OpenOptions,
  Referrers,
  StoreOptions,
} from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";

/**
 * Several stores as one, for an archive of images that lie in different places. A blob comes from
 * the first store that has it.
 *
 * @example
 * ```ts
 * import { MemoryStore, UnionStore } from "@oci/archive";
 *
 * const [one, other] = [new MemoryStore(), new MemoryStore()];
 * const layer = await other.add("application/octet-stream", new Uint8Array(3));
 * console.log(await new UnionStore([one, other]).exists(layer)); // true
 * ```
 */
export class UnionStore implements ContentStore, Existence, Labels, Referrers {
  /** That of the store which bears the least. */
  readonly lookAhead: number;
  #stores: readonly (ContentStore & Partial<Existence & Labels & Referrers>)[];

  /**
   * Makes one store of several.
   *
   * @param stores in the order in which they are asked
   */
  constructor(stores: readonly ContentStore[]) {
    this.#stores = stores;
    const each = stores.map(({ lookAhead }) => lookAhead ?? 0);
    this.lookAhead = each.length > 0 ? Math.min(...each) : 0;
  }

  /**
   * The blob of the first store that has it.
   *
   * @throws {BlobNotFoundError} where none has
   */
  async open(descriptor: Descriptor, options?: OpenOptions): Promise<BlobBody> {
    let cause: BlobNotFoundError | undefined;
    for (const store of this.#stores) {
      try {
        return await store.open(descriptor, options);
      } catch (error) {
        if (!(error instanceof BlobNotFoundError)) throw error;
        cause = error;
      }
    }
    throw new BlobNotFoundError(descriptor.digest, "any of the stores", { cause });
  }

  /** Whether one of the stores has the blob. */
  async exists(descriptor: Descriptor, options?: StoreOptions): Promise<boolean> {
    for (const store of this.#stores) {
      if (await hasBlob(store, descriptor, options)) return true;
    }
    return false;
  }

  /** The blob's labels in all stores; of two with the same key, the first store's. */
  async labels(descriptor: Descriptor, options?: StoreOptions): Promise<Record<string, string>> {
    options?.signal?.throwIfAborted();
    const labels = await Promise.all(
      this.#stores.map((store) => store.labels?.(descriptor, options)),
    );
    return Object.assign({}, ...labels.reverse());
  }

  /** The referrers that any of the stores knows, each once. */
  async referrers(subject: Descriptor, options?: StoreOptions): Promise<Descriptor[]> {
    options?.signal?.throwIfAborted();
    const lists = await Promise.all(
      this.#stores.map((store) => store.referrers?.(subject, options) ?? []),
    );
    const seen = new Set<string>();
    return lists.flat().filter(({ digest }) => !seen.has(digest) && seen.add(digest));
  }
}
