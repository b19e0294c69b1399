import {
  type BlobBody,
  BlobNotFoundError,
  type ContentStore,
  type Descriptor,
  type MemoryStore,
  type OpenOptions,
} from "../../mod.ts";
import { chunked } from "./streams.ts";

/** How a {@linkcode SpyStore} behaves. */
export interface SpyOptions {
  /**
   * Bytes of a chunk.
   * @default {whole blobs, not as streams}
   */
  chunkSize?: number;
  /** @default {0} */
  lookAhead?: number;
  /** Blobs with other bytes than they should have; undefined where one is not there. */
  replaced?: Map<string, Uint8Array | undefined>;
}

/** A store over another that remembers what it was asked for, and what is still open. */
export class SpyStore implements ContentStore {
  readonly lookAhead?: number;
  /** The digests that were opened, in order. */
  readonly opened: string[] = [];
  /** How many streams are open now. */
  openNow = 0;
  /** How many were open at a time at most. */
  mostOpen = 0;
  #store: MemoryStore;
  #options: SpyOptions;

  constructor(store: MemoryStore, options: SpyOptions = {}) {
    this.#store = store;
    this.#options = options;
    this.lookAhead = options.lookAhead;
  }

  async open(descriptor: Descriptor, options?: OpenOptions): Promise<BlobBody> {
    this.opened.push(descriptor.digest);
    const bytes = await this.#read(descriptor, options);
    const { chunkSize } = this.#options;
    if (chunkSize === undefined) return bytes;
    this.openNow++;
    this.mostOpen = Math.max(this.mostOpen, this.openNow);
    const chunks = chunked(bytes, chunkSize);
    return new ReadableStream({
      pull: (controller) => {
        const { done, value } = chunks.next();
        if (!done) return controller.enqueue(value);
        this.openNow--;
        controller.close();
      },
      cancel: () => void this.openNow--,
    }, { highWaterMark: 0 });
  }

  async #read(descriptor: Descriptor, options: OpenOptions = {}): Promise<Uint8Array> {
    const { digest } = descriptor;
    const { replaced } = this.#options;
    if (!replaced?.has(digest)) return await this.#store.open(descriptor, options);
    const bytes = replaced.get(digest);
    if (!bytes) throw new BlobNotFoundError(digest, "the spy's store");
    const { offset = 0, length = Infinity } = options;
    return bytes.slice(offset, offset + length);
  }
}
