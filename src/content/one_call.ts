import { abortable } from "./abortable.ts";
import type { StoreOptions } from "./store.ts";

/** Many callers, one call: who comes while it is under way gets its outcome. */
export class OneCall<T> {
  #call: (signal: AbortSignal) => Promise<T>;
  #running: { outcome: Promise<T>; callers: number; stop: AbortController } | undefined;

  /** @param call gets a signal that aborts once every caller has gone */
  constructor(call: (signal: AbortSignal) => Promise<T>) {
    this.#call = call;
  }

  async run({ signal }: StoreOptions = {}): Promise<T> {
    const running = this.#running ??= this.#start();
    running.callers++;
    try {
      return await abortable(running.outcome, signal);
    } finally {
      if (--running.callers === 0) {
        running.stop.abort();
        if (this.#running === running) this.#running = undefined;
      }
    }
  }

  #start() {
    const stop = new AbortController();
    const outcome = this.#call(stop.signal);
    const running = { outcome, callers: 0, stop };
    const end = () => {
      if (this.#running === running) this.#running = undefined;
    };
    outcome.then(end, end);
    return running;
  }
}

/** A call that is made once: later callers get what it gave, unless it failed. */
export function once<T>(
  call: (signal: AbortSignal) => Promise<T>,
): (options?: StoreOptions) => Promise<T> {
  const calls = new OneCall(call);
  let kept: { value: T } | undefined;
  return async (options = {}) => {
    options.signal?.throwIfAborted();
    kept ??= { value: await calls.run(options) };
    return kept.value;
  };
}
