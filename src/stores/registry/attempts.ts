import { MAX_TIMER } from "../../content/exchange.ts";
import type { StoreOptions } from "../../content/store.ts";
import type { ArchiveError } from "../../errors.ts";

/** When to try again, and when to give up. */
export interface RetryOptions {
  /**
   * Attempts in a row that may fail without a new byte, before the call fails. Of a registry that has
   * never answered, 4 at most.
   * @default {8}
   */
  maxAttempts?: number | undefined;
  /**
   * Milliseconds to wait behind the first failure; doubled behind each further one in a row.
   * @default {250}
   */
  minDelay?: number | undefined;
  /**
   * The most milliseconds to wait. A registry may ask for up to six times as long by `Retry-After`;
   * where it asks for more, the call fails.
   * @default {10000}
   */
  maxDelay?: number | undefined;
  /**
   * Milliseconds that one call may take in all: a blob from its opening to its last byte.
   * @default {no limit}
   */
  timeout?: number | undefined;
  /** Called before each wait. */
  onRetry?: ((retry: Retry) => void) | undefined;
}

/** A failure that is not the end. */
export interface Retry {
  /** What failed. */
  error: ArchiveError;
  /** Attempts without progress so far. */
  attempt: number;
  /** Milliseconds until the next one. */
  delay: number;
}

/** A failure that may be gone at the next attempt. */
export class Transient extends Error {
  override readonly name = "Transient";
  /** What to throw once there is no next attempt. */
  readonly error: ArchiveError;
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number | undefined;
  /** How many attempts this kind of failure is worth. */
  readonly worth: number;

  constructor(error: ArchiveError, options: { retryAfter?: number; worth?: number } = {}) {
    super(error.message);
    this.error = error;
    this.retryAfter = options.retryAfter;
    this.worth = options.worth ?? Infinity;
  }
}

/** The attempts of one call: it goes on as long as some of them get further. */
export class Attempts {
  #options: RetryOptions;
  #fruitless = 0;
  #deadline: number;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#deadline = Date.now() + (options.timeout ?? Infinity);
  }

  /** Milliseconds left of the call's time. */
  get left(): number {
    return this.#deadline - Date.now();
  }

  /** Something came. */
  progress(): void {
    this.#fruitless = 0;
  }

  /** Runs a task until it succeeds, or fails for good. */
  async run<T>(task: () => Promise<T>, options: StoreOptions = {}): Promise<T> {
    for (;;) {
      try {
        return await task();
      } catch (error) {
        await this.wait(error, options);
      }
    }
  }

  /** Waits for the next attempt; throws where there is to be none. */
  async wait(failure: unknown, { signal }: StoreOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (!(failure instanceof Transient)) throw failure;
    const { maxAttempts = 8, minDelay = 250, maxDelay = 10_000, onRetry } = this.#options;
    const { error, retryAfter = 0, worth } = failure;
    const attempt = ++this.#fruitless;
    const backoff = Math.min(minDelay * 2 ** (attempt - 1), maxDelay);
    // Half of it by chance, so that many clients do not come back at the same time.
    const delay = Math.max(backoff * (0.5 + Math.random() / 2), retryAfter);
    const isOver = attempt >= Math.min(maxAttempts, worth) || delay >= this.left ||
      delay > 6 * maxDelay;
    if (isOver) throw error;
    onRetry?.({ error, attempt, delay });
    signal?.throwIfAborted();
    await sleep(delay, signal);
  }
}

/** Reads `Retry-After`: seconds, or a date. Milliseconds from now. */
export function parseRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(date - Date.now(), 0);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, Math.min(ms, MAX_TIMER));
    signal?.addEventListener("abort", end);
  });
}
