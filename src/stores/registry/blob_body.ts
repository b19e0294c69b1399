import { LimitError, RegistryError, SizeMismatchError } from "../../errors.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Answer } from "./answer.ts";
import { type Attempts, Transient } from "./attempts.ts";
import type { Limiter } from "./limiter.ts";
import { plainUrl } from "./transport_error.ts";

/** Which bytes of a blob, and how to get them. */
export interface BlobBodyOptions {
  descriptor: Descriptor;
  /** The first byte wanted. */
  start: number;
  /** The byte behind the last one wanted. */
  end: number;
  /** Asks for the blob, from a byte on where that is not 0. */
  ask(from: number, signal: AbortSignal): Promise<Answer>;
  attempts: Attempts;
  limiter: Limiter;
  /** How many bytes may be read in vain, from servers that ignore `Range`. */
  maxDiscard: number;
}

/** A blob's bytes over as many answers as it takes: each goes on from the byte the last one reached. */
export class BlobBody {
  #options: BlobBodyOptions;
  /** The next byte wanted. */
  #at: number;
  #discarded = 0;
  #canRange = true;

  constructor(options: BlobBodyOptions) {
    this.#options = options;
    this.#at = options.start;
  }

  /** @param answer to the first request */
  async *chunks(answer: Answer | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const { ask, attempts } = this.#options;
    try {
      for (;;) {
        try {
          answer ??= await ask(this.#canRange ? this.#at : 0, signal);
          yield* this.#read(answer);
          return;
        } catch (error) {
          answer?.close();
          answer = undefined;
          await attempts.wait(this.#asEnd(error), { signal });
        }
      }
    } finally {
      answer?.close();
    }
  }

  async *#read(answer: Answer): AsyncGenerator<Uint8Array, void> {
    const { descriptor: { digest, size }, start, end, attempts, limiter } = this.#options;
    const first = this.#firstByte(answer);
    this.#discard(this.#at - first);
    let skip = this.#at - first;
    let received = 0;
    for (;;) {
      let chunk = await limiter.run(() => answer.read());
      if (!chunk) break;
      received += chunk.length;
      const skipped = Math.min(skip, chunk.length);
      skip -= skipped;
      chunk = chunk.subarray(skipped);
      if (chunk.length === 0) continue;
      // Of a whole blob what is too much goes on too, for the verifier to see.
      if (end < size || start > 0) chunk = chunk.subarray(0, end - this.#at);
      this.#at += chunk.length;
      attempts.progress();
      if (chunk.length > 0) yield chunk;
      if (this.#at >= end && (received === answer.length || chunk.length === 0)) return;
    }
    if (this.#at >= end) return;
    const isComplete = answer.status === 200 && received === answer.length;
    if (isComplete) throw new SizeMismatchError(digest, size, received);
    throw new Transient(
      new RegistryError(plainUrl(answer.url), `it broke off at byte ${this.#at} of ${size}`),
    );
  }

  /** Which byte of the blob an answer begins with, and whether it is the same blob at all. */
  #firstByte(answer: Answer): number {
    const { descriptor: { digest, size } } = this.#options;
    if (answer.status !== 206) {
      if (answer.length !== undefined && answer.length !== size) {
        throw new SizeMismatchError(digest, size, answer.length);
      }
      return 0;
    }
    if (answer.isEncoded) {
      // A range of the compressed bytes, which nobody asked for: from the start, then.
      this.#canRange = false;
      const why = "it compresses ranges, although it was asked not to";
      throw new Transient(new RegistryError(plainUrl(answer.url), why));
    }
    const [, first, total] =
      /^bytes (\d{1,15})-\d+\/(\d{1,15}|\*)$/i.exec(answer.headers.get("content-range") ?? "") ??
        [];
    if (total !== undefined && total !== "*" && Number(total) !== size) {
      throw new SizeMismatchError(digest, size, Number(total));
    }
    // Without a word we take it as asked; the digest tells.
    if (first === undefined || Number(first) <= this.#at) return Number(first ?? this.#at);
    const why = `it gave byte ${first} when asked for byte ${this.#at}`;
    throw new Transient(new RegistryError(plainUrl(answer.url), why));
  }

  #discard(bytes: number): void {
    const { descriptor: { digest }, maxDiscard } = this.#options;
    this.#discarded += bytes;
    if (this.#discarded > maxDiscard) {
      const what = `blob ${digest} from a server that ignores Range`;
      throw new LimitError(what, "maxDiscard", maxDiscard);
    }
  }

  /** Where the server says that there is no byte to go on from, the blob has ended before its size. */
  #asEnd(error: unknown): unknown {
    if (!(error instanceof RegistryError) || error.status !== 416) return error;
    const { descriptor: { digest, size } } = this.#options;
    return new SizeMismatchError(digest, size, this.#at);
  }
}
