import { BlobReadError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";

/** A blob's bytes from `from` to `to`: all of them where `whole`. */
export interface Slice {
  descriptor: Descriptor;
  bodyOffset: number;
  whole: boolean;
  from: number;
  to: number;
}

/** Stands in for the verifier where a part of a blob can only be counted. */
export class PartCounter {
  #slice: Slice;
  #missing: number;

  constructor(slice: Slice) {
    this.#slice = slice;
    this.#missing = slice.to - slice.from;
  }

  update(bytes: Uint8Array): void {
    this.#missing -= bytes.length;
    if (this.#missing < 0) this.finish();
  }

  finish(): void {
    if (this.#missing === 0) return;
    const { descriptor: { digest }, from, to } = this.#slice;
    const trouble = this.#missing > 0
      ? `${this.#missing} of them are missing`
      : "more of them came";
    throw new BlobReadError(digest, `expected its bytes ${from} to ${to}, ${trouble}`);
  }
}
