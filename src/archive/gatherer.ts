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
    const end = this.#length + length;
    if (end > this.#buffer.length) this.#grow(end);
    const room = this.#buffer.subarray(this.#length, end);
    this.#length = end;
    return room;
  }

  add(piece: Uint8Array): void {
    this.reserve(piece.length).set(piece);
  }

  /** All that was gathered, as one chunk, which belongs to the caller. */
  take(): Uint8Array<ArrayBuffer> {
    const chunk = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array();
    this.#length = 0;
    return chunk;
  }

  #grow(length: number): void {
    const gathered = this.#buffer.subarray(0, this.#length);
    this.#buffer = this.#buffers && length <= this.#buffers.size
      ? this.#buffers.take()
      : new Uint8Array(Math.max(length, CAPACITY, this.#buffer.length * GROWTH));
    this.#buffer.set(gathered);
  }
}
