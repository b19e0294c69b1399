/**
 * A stream of what a generator yields: nothing runs before the first pull, and never more than one
 * step ahead.
 *
 * The generator gets a signal for every reason to stop: a cancel, the caller's own signal, its own
 * failure. It must hand the signal on to whatever it waits for: a generator that waits for a stalled
 * source hears of nothing else.
 *
 * @param expectedLength bytes in all. By this Cloudflare's workerd sends Content-Length, and breaks
 * the connection of a stream that fails, which it would otherwise end as if it were whole. Others
 * ignore it.
 */
export function pullStream<Chunk>(
  generate: (signal: AbortSignal) => AsyncGenerator<Chunk, void>,
  { signal, expectedLength }: { signal?: AbortSignal; expectedLength?: number } = {},
): ReadableStream<Chunk> {
  const stop = new AbortController();
  const chunks = generate(stop.signal);
  let controller: ReadableStreamDefaultController<Chunk>;
  const release = async (reason: unknown) => {
    signal?.removeEventListener("abort", abort);
    stop.abort(reason);
    await chunks.return(undefined).catch(() => {});
  };
  const abort = () => {
    controller.error(signal!.reason);
    release(signal!.reason);
  };
  const source: UnderlyingDefaultSource<Chunk> = {
    start(given) {
      controller = given;
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort);
    },
    async pull() {
      try {
        const next = await chunks.next();
        if (stop.signal.aborted) return;
        if (!next.done) return controller.enqueue(next.value);
        signal?.removeEventListener("abort", abort);
        controller.close();
      } catch (error) {
        if (stop.signal.aborted) return;
        release(error);
        throw error;
      }
    },
    cancel: release,
  };
  const extended = expectedLength === undefined
    ? source
    : Object.assign(source, { expectedLength });
  return new ReadableStream(extended, { highWaterMark: 0 });
}
