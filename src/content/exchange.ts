import { abortable } from "../../content/abortable.ts";
import { MAX_TIMER } from "./attempts.ts";

/** Nothing came for too long. */
class Stall extends Error {
  override readonly name = "Stall";
}

/** One request and its answer, to the last byte: ends with its caller, or when nothing comes. */
export class Exchange {
  #stop = new AbortController();
  #caller: AbortSignal | undefined;
  #abort = (): void => this.#stop.abort(this.#caller?.reason);

  constructor(caller: AbortSignal | undefined) {
    this.#caller = caller;
    if (caller?.aborted) this.#abort();
    else caller?.addEventListener("abort", this.#abort);
  }

  /** Aborts when the exchange ends before its time. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Waits for the next sign of life, so many milliseconds at most. */
  async wait<T>(work: Promise<T>, ms: number): Promise<T> {
    const seconds = Math.round(ms / 100) / 10;
    const timer = setTimeout(
      () => this.#stop.abort(new Stall(`nothing came for ${seconds} s`)),
      Math.min(ms, MAX_TIMER),
    );
    try {
      return await abortable(work, this.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Breaks it off. */
  abort(): void {
    this.close();
    this.#stop.abort();
  }

  /** Lets go of the caller. */
  close(): void {
    this.#caller?.removeEventListener("abort", this.#abort);
  }
}
