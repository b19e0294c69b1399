import { abortable } from "./abortable.ts";

/** Timers that are set for longer fire at once. */
export const MAX_TIMER: number = 2 ** 31 - 1;

/** Nothing came for too long. */
class Stall extends Error {
  override readonly name = "Stall";
}

/** One request and its answer, to the last byte: ends with its caller, or when nothing comes. */
export class Exchange {
  #stop = new AbortController();
  #caller: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
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

  /** From now on the next sign of life may take so many milliseconds. */
  expect(ms: number, silence = "nothing came"): void {
    this.rest();
    if (this.signal.aborted) return;
    const seconds = Math.round(ms / 100) / 10;
    this.#timer = setTimeout(
      () => this.#stop.abort(new Stall(`${silence} for ${seconds} s`)),
      Math.min(ms, MAX_TIMER),
    );
  }

  /** From now on nothing is expected. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  /** Waits for the next sign of life, so many milliseconds at most. */
  async wait<T>(work: Promise<T>, ms: number): Promise<T> {
    this.expect(ms);
    try {
      return await abortable(work, this.signal);
    } finally {
      this.rest();
    }
  }

  /** Breaks it off. */
  abort(): void {
    this.close();
    this.#stop.abort();
  }

  /** Lets go of the caller, and expects nothing any more. */
  close(): void {
    this.rest();
    this.#caller?.removeEventListener("abort", this.#abort);
  }
}
