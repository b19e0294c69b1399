/**
 * A second thread that reads and hashes medium blobs of a layout before their turn comes. One blob
 * is hashed by one core; of many, each core can have its own. 2,000 of 256 KiB come in 0.6 s so,
 * where one thread takes 0.75 s, on two cores and Deno.
 *
 * This module is both of its ends. Neither depends on the other: what the thread has not begun
 * when its turn comes, or found wrong, the main thread reads and judges itself.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { isMainThread, Worker as NodeWorker, workerData } from "node:worker_threads";
import type { ArchiveEntry } from "../archive/entries.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { type CreateDigester, createDigester, type Digester } from "../content/digester.ts";
import type { BlobBody, ContentStore, OpenOptions } from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { DigestAlgorithm } from "../oci/digest.ts";
import { readInto } from "../stores/file.ts";
import { threadEnvironment } from "./compile_cache.ts";
import { isMedium } from "./medium_blobs.ts";
import { RING_SIZE, RingLayout } from "./ring_layout.ts";

/** With fewer files than this before the main thread, one is left to it: else it would wait. */
const LEAD = 8;
/** Milliseconds that the main thread waits for a file that the other has in hand. */
const PATIENCE = 100;

/** What both threads know: the same files, in the same order. */
interface Shared {
  directory: string;
  /** The files' names, a line each. */
  names: string;
  /** Float64: the bytes that each has. */
  sizes: SharedArrayBuffer;
  /** Int32: how far each file is. */
  states: SharedArrayBuffer;
  /** Int32: how many files the main thread has taken, and how many it has done with. */
  progress: SharedArrayBuffer;
  ring: SharedArrayBuffer;
}

const TAKEN = 0;
const RELEASED = 1;

/** The states of a file. Who finds it free takes it. */
const FREE = 0;
const IN_HAND = 1;
const VERIFIED = 2;
/** For the main thread: it is its own, or something is wrong with it. */
const LEFT = 3;

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
    if ((chunk.buffer as unknown) !== this.#ring) return super.give(chunk);
    this.#inUse.delete(chunk.byteOffset);
    this.#release();
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

/** Hashes only what nobody has hashed before. */
class LazyDigester implements Digester {
  #algorithm: DigestAlgorithm;
  #hashOf: (bytes: Uint8Array) => string | undefined;
  #digester: Digester | undefined;
  #found: string | undefined;

  constructor(algorithm: DigestAlgorithm, hashOf: (bytes: Uint8Array) => string | undefined) {
    this.#algorithm = algorithm;
    this.#hashOf = hashOf;
  }

  update(bytes: Uint8Array): void | Promise<void> {
    this.#found = this.#digester ? undefined : this.#hashOf(bytes);
    if (this.#found === undefined) return this.#hash().update(bytes);
  }

  digest(): string | Promise<string> {
    return this.#found ?? this.#hash().digest();
  }

  #hash(): Digester {
    // Deno, Bun and Node have all but blake3 at once.
    return this.#digester ??= createDigester(this.#algorithm) as Digester;
  }
}

/** A worker of either kind. */
interface Thread {
  terminate(): unknown;
}

/** Tells this module, and whoever lists threads, what the thread is for. */
const NAME = "oci-archive read ahead";

/** The part of Deno's namespace that is used. */
interface DenoPermissions {
  permissions: { querySync(wanted: { name: "read"; path: URL }): { state: string } };
}

/**
 * Starts the thread; on Deno as the web does, in 15 ms, where node:worker_threads takes 60. Should
 * it fail, it is not missed: all goes on, only slower.
 */
function startThread(shared: Shared): Thread | undefined {
  const url = new URL(import.meta.url);
  const { Deno: deno } = globalThis as { Deno?: DenoPermissions };
  if (deno) {
    // A worker that must not read its own module would ask for it, or complain.
    const mayRead = url.protocol !== "file:" ||
      deno.permissions.querySync({ name: "read", path: url }).state === "granted";
    if (!mayRead) return undefined;
    const worker = new Worker(url, { type: "module", name: NAME });
    worker.addEventListener("error", (event) => event.preventDefault());
    worker.postMessage(shared);
    return worker;
  }
  const workerData = { name: NAME, shared };
  const worker = new NodeWorker(url, { name: NAME, env: threadEnvironment(), workerData });
  worker.on("error", () => {});
  return worker;
}

/** What runs in the thread. */
function readAll({ directory, names, sizes, ...shared }: Shared): void {
  const paths = names.split("\n");
  const states = new Int32Array(shared.states);
  const progress = new Int32Array(shared.progress);
  const layOut = new RingLayout(new Float64Array(sizes));
  for (let file = 0; file < paths.length; file++) {
    const taken = Atomics.load(progress, TAKEN);
    file = Math.max(file, taken);
    if (file - taken < LEAD) file++;
    if (file >= paths.length) return;
    for (;;) {
      const released = Atomics.load(progress, RELEASED);
      if (layOut.hasRoom(file, released)) break;
      Atomics.wait(progress, RELEASED, released);
    }
    if (Atomics.compareExchange(states, file, FREE, IN_HAND) !== FREE) continue;
    const room = new Uint8Array(shared.ring, layOut.place(file), layOut.size(file) + 1);
    const isRight = verifyFile(`${directory}/${paths[file]}`, paths[file]!, room);
    Atomics.store(states, file, isRight ? VERIFIED : LEFT);
    Atomics.notify(states, file);
  }
}

/** Reads a file into the room, and says whether it is what its name says, and a byte shorter. */
function verifyFile(path: string, name: string, room: Uint8Array): boolean {
  const [, algorithm, encoded] = name.split("/");
  const size = room.length - 1;
  try {
    if (readInto(path, room, { expected: size, plain: true }) !== size) return false;
    return createHash(algorithm!).update(room.subarray(0, size)).digest("hex") === encoded;
  } catch {
    // The main thread will see it too, and say it.
    return false;
  }
}

if ((globalThis as { name?: string }).name === NAME) {
  addEventListener("message", (event) => readAll((event as MessageEvent<Shared>).data));
} else if (!isMainThread && workerData?.name === NAME) {
  readAll(workerData.shared);
}
