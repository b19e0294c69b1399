/** A stream of these chunks, one a pull. */
export function streamOf<Chunk>(chunks: Iterable<Chunk>): ReadableStream<Chunk> {
  const iterator = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

/** A stream that gives these chunks and then nothing: it neither ends nor fails. */
export function stalledStream<Chunk>(
  chunks: readonly Chunk[] = [],
  cancel: (reason: unknown) => void = () => {},
): ReadableStream<Chunk> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < chunks.length) return controller.enqueue(chunks[at++]!);
      return new Promise(() => {});
    },
    cancel,
  }, { highWaterMark: 0 });
}

/** The bytes in chunks of this size. */
export function* chunked(bytes: Uint8Array, size: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}
