import type { BufferPool } from "../content/buffer_pool.ts";

/** A stretch of a stream, in a buffer that goes back to be filled again. */
export interface Part {
  /** Counted from 1, as S3 does. */
  number: number;
  bytes: Uint8Array<ArrayBuffer>;
  /** Gives the buffer back. */
  release(): void;
}

/**
 * Cuts a stream into parts of one size, the last one shorter. Leaving the loop cancels it.
 *
 * @param chunks where the stream's own chunks go when their bytes have been copied
 */
export async function* cutParts(
  stream: ReadableStream<Uint8Array>,
  partSize: number,
  chunks: BufferPool,
): AsyncGenerator<Part> {
  const free: Uint8Array<ArrayBuffer>[] = [];
  let number = 0;
  let buffer = new Uint8Array(partSize);
  let filled = 0;
  const part = (): Part => {
    const full = buffer;
    return { number: ++number, bytes: full.subarray(0, filled), release: () => free.push(full) };
  };
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (let at = 0; at < value.length;) {
        if (filled === partSize) {
          yield part();
          buffer = free.pop() ?? new Uint8Array(partSize);
          filled = 0;
        }
        const fitting = value.subarray(at, at + partSize - filled);
        buffer.set(fitting, filled);
        filled += fitting.length;
        at += fitting.length;
      }
      chunks.give(value);
    }
    if (filled > 0) yield part();
  } finally {
    reader.cancel().catch(() => {});
  }
}
