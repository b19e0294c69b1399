/** How many bytes of files may lie ready. */
export const RING_SIZE: number = 8 << 20;

/** Where in the ring each file lies: both threads come to the same answer. */
export class RingLayout {
  #sizes: Float64Array;
  /** By file, where it ends, counted as if the ring had no end. */
  #ends: Float64Array;

  /** @param sizes of the files, in bytes */
  constructor(sizes: Float64Array) {
    this.#sizes = sizes;
    let end = 0;
    this.#ends = sizes.map((size) => {
      const room = roomFor(size);
      const left = RING_SIZE - end % RING_SIZE;
      return end += room > left ? left + room : room;
    });
  }

  size(file: number): number {
    return this.#sizes[file]!;
  }

  /** Where a file begins in the ring. */
  place(file: number): number {
    return (this.#ends[file]! - roomFor(this.size(file))) % RING_SIZE;
  }

  /** Whether there is room for a file while those from `released` on are still in use. */
  hasRoom(file: number, released: number): boolean {
    const start = released === 0 ? 0 : this.#ends[released - 1]!;
    return this.#ends[file]! - start <= RING_SIZE;
  }
}

/** A byte more than there should be, so that one too many is seen; in whole cache lines. */
function roomFor(size: number): number {
  return Math.ceil((size + 1) / 64) * 64;
}
