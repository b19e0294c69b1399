import type { StoreOptions } from "./store.ts";

/** Lets so many tasks run at a time; the others wait in line. */
export class Limiter {
  #free: number;
  #waiting: Set<() => void> = new Set();

  constructor(atATime: number) {
    this.#free = atATime;
  }

  /** Runs a task when its turn comes; an abort before that takes it out of the line. */
  async run<T>(task: () => Promise<T>, { signal }: StoreOptions = {}): Promise<T> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await task();
    } finally {
      const [next] = this.#waiting;
      if (next) next();
      else this.#free++;
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(begin);
        signal?.removeEventListener("abort", abort);
      };
      const begin = () => {
        leave();
        resolve();
      };
      const abort = () => {
        leave();
        reject(signal!.reason);
      };
      this.#waiting.add(begin);
      signal?.addEventListener("abort", abort);
    });
  }
}
