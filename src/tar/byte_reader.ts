/** Reads a stream of chunks by the byte: so many, or whatever is there. */
export class ByteReader {
  /** Bytes read so far. */
  position = 0;
  #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes as they come: at least one and at most `limit`; none at the end. */
  async some(limit: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return this.#rest;
      this.#rest = value;
    }
    const bytes = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(bytes.length);
    this.position += bytes.length;
    return bytes;
  }

  /** The next so many bytes; fewer only at the end. */
  async exactly(length: number): Promise<Uint8Array> {
    const first = length === 0 ? new Uint8Array() : await this.some(length);
    if (first.length === length) return first;
    const bytes = new Uint8Array(length);
    bytes.set(first);
    let filled = first.length;
    while (filled < length) {
      const next = await this.some(length - filled);
      if (next.length === 0) return bytes.subarray(0, filled);
      bytes.set(next, filled);
      filled += next.length;
    }
    return bytes;
  }

  /** Ends the reading; the stream is cancelled where it has not ended. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
