import { Exchange } from "./exchange.ts";
import { transportText } from "./transport.ts";

/** How to fetch, and what to make of a failure. */
export interface FetchAwaitedOptions {
  /** @default {globalThis.fetch} */
  fetch?: typeof globalThis.fetch | undefined;
  headers: Headers;
  signal: AbortSignal | undefined;
  /**
   * Milliseconds without a byte behind which the answer counts as broken.
   * @default {30000}
   */
  stallTimeout?: number | undefined;
  /** Makes the error of what went wrong; `advice` says what to do. */
  failed(text: string, advice: string): Error;
}

/** An answer whose body is awaited; undefined where it has none. */
export interface AwaitedAnswer {
  response: Response;
  body: ReadableStream<Uint8Array> | undefined;
}

/** Fetches a URL, and gives it up when nothing comes: neither an answer, nor the next bytes of it. */
export async function fetchAwaited(
  url: URL,
  { fetch = globalThis.fetch, headers, signal, stallTimeout = 30_000, failed }: FetchAwaitedOptions,
): Promise<AwaitedAnswer> {
  const exchange = new Exchange(signal);
  const wait = async <T>(work: Promise<T>, advice: string): Promise<T> => {
    try {
      return await exchange.wait(work, stallTimeout);
    } catch (error) {
      exchange.close();
      signal?.throwIfAborted();
      throw failed(transportText(error), advice);
    }
  };
  const answer = fetch(url, { headers, signal: exchange.signal });
  const response = await wait(answer, "check the address, or try again");
  const reader = response.body?.getReader();
  if (!reader) exchange.close();
  const body = reader && new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await wait(reader.read(), "try again");
      if (!done) return controller.enqueue(value);
      exchange.close();
      controller.close();
    },
    cancel(reason) {
      exchange.close();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return { response, body };
}
