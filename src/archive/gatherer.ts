import type { BufferPool } from "../content/buffer_pool.ts";

/** What the first buffer holds, and how much larger the next one is. */
const CAPACITY = 4 << 10;
const GROWTH = 4;

/** Puts small pieces together, each written or copied once, until they make a chunk. */
export class Gatherer {
  #buffers: BufferPool | undefined;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array();
  #length = 0;

  /** @param buffers where to take buffers from; whoever gets a chunk gives it back */
  constructor(buffers?: BufferPool) {
    this.#buffers = buffers;
  }

  /** Bytes gathered so far. */
  get length(): number {
    return this.#length;
  }

  /** Room for a piece, with anything in it: the caller fills it. */
  reserve(length: number): Uint8Array<ArrayBuffer> {
    const start = this.#extend(length);
    return this.#buffer.subarray(start, this.#length);
  }

  add(piece: Uint8Array): void {
    const start = this.#extend(piece.length);
    this.#buffer.set(piece, start);
  }

  addZeros(length: number): void {
    const start = this.#extend(length);
    this.#buffer.fill(0, start, this.#length);
  }

  /** All that was gathered, as one chunk, which belongs to the caller. */
  take(): Uint8Array<ArrayBuffer> {
    const chunk = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array();
    this.#length = 0;
    return chunk;
  }

  /** Makes room, and says where it begins. */
  #extend(length: number): number {
    const start = this.#length;
    if (start + length > this.#buffer.length) this.#grow(start + length);
    this.#length += length;
    return start;
  }

  #grow(length: number): void {
    const gathered = this.#buffer.subarray(0, this.#length);
    this.#buffer = this.#buffers && length <= this.#buffers.size
      ? this.#buffers.take()
      : new Uint8Array(Math.max(length, CAPACITY, this.#buffer.length * GROWTH));
    this.#buffer.set(gathered);
  }
}
