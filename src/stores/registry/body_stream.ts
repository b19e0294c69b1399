import type { Allowance } from "./allowance.ts";

/**
 * A stream of chunks that reads ahead as far as its allowance reaches, beginning at once, so that a
 * small blob is there when its turn comes.
 *
 * @param size of the whole, in bytes
 * @param chunks gets a signal that aborts on a cancel, and with the caller's own
 */
export function bodyStream(
  size: number,
  chunks: (signal: AbortSignal) => AsyncGenerator<Uint8Array, void>,
  { allowance, signal }: { allowance: Allowance; signal?: AbortSignal },
): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  const ahead = allowance.take(size);
  const generator = chunks(stop.signal);
  const abort = () => release(signal!.reason);
  let isOver = false;
  const release = (reason?: unknown) => {
    if (isOver) return;
    isOver = true;
    signal?.removeEventListener("abort", abort);
    allowance.give(ahead);
    stop.abort(reason);
    generator.return().catch(() => {});
  };
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await generator.next();
        signal?.throwIfAborted();
        if (!done) return controller.enqueue(value);
        release();
        controller.close();
      } catch (error) {
        release(error);
        throw error;
      }
    },
    cancel: release,
  }, { highWaterMark: ahead, size: (chunk) => chunk.byteLength });
}
