import type { Allowance } from "./allowance.ts";

/** Something that gives bytes until it is closed. */
interface Source {
  /** @param signal aborts when nobody wants any more */
  chunks(signal: AbortSignal): AsyncGenerator<Uint8Array, void>;
  close(): void;
}

/** How to stream. */
export interface BodyStreamOptions {
  /** Bytes in all. */
  size: number;
  allowance: Allowance;
  /** Ends the stream: it errors with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * A source's bytes as a stream. It reads ahead as far as its allowance reaches, beginning at once, so
 * that a small blob is there when its turn comes.
 */
export function bodyStream(
  source: Source,
  { size, allowance, signal }: BodyStreamOptions,
): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  const ahead = allowance.take(size);
  const reader = aheadOf(source.chunks(stop.signal), ahead).getReader();
  let isOver = false;
  const end = (reason?: unknown) => {
    if (isOver) return;
    isOver = true;
    signal?.removeEventListener("abort", abort);
    stop.abort(reason);
    source.close();
    // Given back only now: what was read ahead has been in memory until here.
    allowance.give(ahead);
  };
  const abort = () => end(signal!.reason);
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        signal?.throwIfAborted();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end(error);
        throw error;
      }
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

function aheadOf(
  chunks: AsyncGenerator<Uint8Array, void>,
  bytes: number,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: bytes, size: (chunk) => chunk.byteLength });
}
