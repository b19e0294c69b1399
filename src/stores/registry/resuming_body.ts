import type { Limiter } from "../../content/limiter.ts";
import { plainUrl } from "../../content/transport.ts";
import { LimitError, SizeMismatchError } from "../../errors.ts";
import { RegistryError } from "../../errors/remote.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Answer } from "./answer.ts";
import { type Attempts, Transient } from "./attempts.ts";

/** Which bytes of a blob, and how to get them. */
export interface ResumingBodyOptions {
  descriptor: Descriptor;
  /** The first byte wanted. */
  start: number;
  /** The byte behind the last one wanted. */
  end: number;
  /** Asks for the blob, or for a range of it: `bytes=5-9`. */
  ask(range: string | undefined, signal: AbortSignal | undefined): Promise<Answer>;
  attempts: Attempts;
  limiter: Limiter;
  /** How many bytes may be read in vain, from servers that ignore `Range`. */
  maxDiscard: number;
}

/** A blob's bytes over as many answers as it takes: each goes on from the byte the last one reached. */
export class ResumingBody {
  #options: ResumingBodyOptions;
  /** The next byte wanted. */
  #at: number;
  #discarded = 0;
  #canRange = true;
  #answer: Answer | undefined;

  constructor(options: ResumingBodyOptions) {
    this.#options = options;
    this.#at = options.start;
  }

  /**
   * Sends the first request. What fails here, for good, fails before there is a stream.
   */
  async begin(signal: AbortSignal | undefined): Promise<void> {
    try {
      this.#answer = await this.#ask(signal);
    } catch (error) {
      throw this.#asEnd(error);
    }
  }

  /** The bytes, from front to back. */
  async *chunks(signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const { attempts } = this.#options;
    for (;;) {
      try {
        this.#answer ??= await this.#ask(signal);
        yield* this.#read(this.#answer, signal);
        return;
      } catch (error) {
        this.close();
        await attempts.wait(this.#asEnd(error), { signal });
      }
    }
  }

  /** Breaks off the answer under way. */
  close(): void {
    this.#answer?.close();
    this.#answer = undefined;
  }

  #ask(signal: AbortSignal | undefined): Promise<Answer> {
    const { descriptor: { size }, end, ask } = this.#options;
    const isWhole = !this.#canRange || this.#at === 0 && end === size;
    return ask(isWhole ? undefined : `bytes=${this.#at}-${end < size ? end - 1 : ""}`, signal);
  }

  async *#read(answer: Answer, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const { descriptor: { size }, start, end } = this.#options;
    const isWhole = start === 0 && end === size;
    let skip = this.#at - this.#firstByte(answer);
    this.#discard(skip);
    for (;;) {
      const chunk = await this.#next(answer, signal);
      if (!chunk) break;
      const wanted = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - wanted.length;
      if (wanted.length === 0) continue;
      // Of a whole blob what is too much goes on too, for the verifier to see.
      const taken = isWhole ? wanted : wanted.subarray(0, end - this.#at);
      if (taken.length === 0) return;
      this.#at += taken.length;
      this.#options.attempts.progress();
      yield taken;
    }
    if (this.#at >= end) return;
    const why = `it broke off at byte ${this.#at} of ${size}`;
    throw new Transient(new RegistryError(plainUrl(answer.url), why));
  }

  async #next(answer: Answer, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { end, limiter } = this.#options;
    try {
      return await limiter.run(() => answer.read(), { signal });
    } catch (error) {
      // Only the end of the answer was missing.
      if (this.#at >= end) return undefined;
      throw error;
    }
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
      const why = "it compresses a range of the blob, although it was asked not to";
      const url = plainUrl(answer.url);
      if (!this.#canRange) {
        throw new RegistryError(url, `${why}, even where it is asked for the whole`);
      }
      this.#canRange = false;
      throw new Transient(new RegistryError(url, why));
    }
    const [, first, total] =
      /^bytes (\d{1,15})-\d+\/(\d{1,15}|\*)$/i.exec(answer.headers.get("content-range") ?? "") ??
        [];
    if (total !== undefined && total !== "*" && Number(total) !== size) {
      throw new SizeMismatchError(digest, size, Number(total));
    }
    // Without a word we take it as asked; the digest tells.
    const asked = this.#canRange ? this.#at : 0;
    if (first === undefined || Number(first) <= this.#at) return Number(first ?? asked);
    const why = `it gave byte ${first} when asked for byte ${asked}`;
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
