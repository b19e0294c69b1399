/**
 * How many bytes may be read before somebody asks for them, shared by all bodies of a store. A body
 * that gets nothing is read on demand, so nobody ever waits for a share.
 */
export class Allowance {
  #left: number;
  #most: number;

  /** @param most bytes for one body */
  constructor(bytes: number, most: number) {
    this.#left = bytes;
    this.#most = most;
  }

  /** Takes up to so many bytes; returns how many it got. */
  take(wanted: number): number {
    const taken = Math.min(wanted, this.#left, this.#most);
    this.#left -= taken;
    return taken;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}
