/**
 * A second thread that reads and hashes medium blobs of a layout before their turn comes. One blob
 * is hashed by one core; of many, each core can have its own. 2,000 of 256 KiB come in 0.35 s
 * so, where one thread takes 0.48 s, on two cores and Deno.
 *
 * This is the main thread's end. Neither depends on the other: what the thread has not begun when
 * its turn comes, or found wrong, the main thread reads and judges itself.
 *
 * @module
 */
import type { ArchiveEntry } from "../archive/entries.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { type CreateDigester, createDigester } from "../content/digester.ts";
import type { BlobBody, ContentStore, OpenOptions } from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { LazyDigester } from "./lazy_digester.ts";
import { isMedium } from "./medium_blobs.ts";
import {
  FREE,
  IN_HAND,
  LEFT,
  RELEASED,
  type Shared,
  startThread,
  TAKEN,
  type Thread,
  VERIFIED,
} from "./read_ahead_thread.ts";
import { RING_SIZE, RingLayout } from "./ring_layout.ts";

/** Milliseconds that the main thread waits for a file that the other has in hand. */
const PATIENCE = 100;

/** What reading ahead needs. */
interface Needs {
  store: ContentStore;
  directory: string;
  /** In the order in which their blobs will be opened. */
  entries: readonly ArchiveEntry[];
}

/**
 * A layout's store, of which a thread reads and hashes the medium blobs ahead; the pool of their
 * buffers; and the digesters that know what the thread has found.
 */
export class ReadAhead extends BufferPool implements ContentStore {
  #store: ContentStore;
  /** The files' digests. */
  #digests: string[];
  #layOut: RingLayout;
  #states: Int32Array;
  #progress: Int32Array;
  #ring: SharedArrayBuffer;
  /** Files whose bytes somebody still uses, by where they begin in the ring. */
  #inUse = new Map<number, number>();
  #taken = 0;
  /** The body that was opened last, where the thread has verified it, and its digest. */
  #verified: { body: Uint8Array; encoded: string } | undefined;
  #thread: Thread | undefined;

  constructor({ store, directory, entries }: Needs) {
    super();
    this.#store = store;
    const medium = entries.filter(({ descriptor }) => descriptor && isMedium(descriptor));
    this.#digests = medium.map(({ descriptor }) => descriptor!.digest);
    const sizes = new SharedArrayBuffer(8 * medium.length);
    new Float64Array(sizes).set(medium.map(({ size }) => size));
    const shared: Shared = {
      directory,
      names: medium.map(({ name }) => name).join("\n"),
      sizes,
      states: new SharedArrayBuffer(4 * medium.length),
      progress: new SharedArrayBuffer(8),
      ring: new SharedArrayBuffer(RING_SIZE),
    };
    this.#layOut = new RingLayout(new Float64Array(sizes));
    this.#states = new Int32Array(shared.states);
    this.#progress = new Int32Array(shared.progress);
    this.#ring = shared.ring;
    this.#thread = startThread(shared);
  }

  open(descriptor: Descriptor, options: OpenOptions = {}): BlobBody | Promise<BlobBody> {
    return this.#take(descriptor, options) ?? this.#store.open(descriptor, options);
  }

  override give(chunk: Uint8Array): void {
    if (!this.shares(chunk)) return super.give(chunk);
    this.#inUse.delete(chunk.byteOffset);
    this.#release();
  }

  override shares({ buffer }: Uint8Array): boolean {
    return buffer === this.#ring;
  }

  async stop(): Promise<void> {
    Atomics.store(this.#progress, TAKEN, this.#states.length);
    this.#release();
    await this.#thread?.terminate();
  }

  /** Makes digesters that hash what the thread has not. */
  createDigester: CreateDigester = (algorithm) =>
    algorithm === "blake3"
      ? createDigester(algorithm)
      : new LazyDigester(algorithm, (bytes) => this.#hashOf(bytes));

  #hashOf(bytes: Uint8Array): string | undefined {
    return this.#verified?.body === bytes ? this.#verified.encoded : undefined;
  }

  #take(descriptor: Descriptor, { offset, length }: OpenOptions): Uint8Array | undefined {
    this.#verified = undefined;
    if (!isMedium(descriptor)) return undefined;
    const { digest } = descriptor;
    // Nearly always the next one.
    const file = this.#digests.indexOf(digest, this.#taken);
    if (file < 0) return undefined;
    this.#taken = file + 1;
    Atomics.store(this.#progress, TAKEN, this.#taken);
    const isWhole = offset === undefined && length === undefined;
    const body = this.#isVerified(file) && isWhole ? this.#body(file) : undefined;
    this.#release();
    if (body) this.#verified = { body, encoded: digest.slice(digest.indexOf(":") + 1) };
    return body;
  }

  /** Whether the thread has verified a file; takes it, where the thread has not begun. */
  #isVerified(file: number): boolean {
    const state = Atomics.compareExchange(this.#states, file, FREE, LEFT);
    if (state === IN_HAND) Atomics.wait(this.#states, file, IN_HAND, PATIENCE);
    return Atomics.load(this.#states, file) === VERIFIED;
  }

  #body(file: number): Uint8Array {
    const at = this.#layOut.place(file);
    this.#inUse.set(at, file);
    return new Uint8Array(this.#ring, at, this.#layOut.size(file));
  }

  #release(): void {
    const [oldest = this.#taken] = this.#inUse.values();
    Atomics.store(this.#progress, RELEASED, oldest);
    Atomics.notify(this.#progress, RELEASED);
  }
}
