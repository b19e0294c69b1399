import { BlobReadError, DigestMismatchError, SizeMismatchError } from "../errors.ts";
import { type Descriptor, parseSize } from "../oci/descriptor.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { type CreateDigester, createDigester, type Digester } from "./digester.ts";

/** What a blob is held against. */
export type Expected = Pick<Descriptor, "digest" | "size">;

/** How to verify. */
export interface VerifyOptions {
  /**
   * Makes the hash.
   * @default {createDigester}
   */
  createDigester?: CreateDigester | undefined;
}

/**
 * Counts and hashes a blob's bytes as they pass, and judges them at the end. Whoever drives it
 * keeps back the last chunk until {@linkcode Verifier.finish} is done.
 */
export class Verifier {
  #expected: Expected;
  #parts: Digest;
  #digester: Digester;
  #size = 0;

  private constructor(expected: Expected, parts: Digest, digester: Digester) {
    this.#expected = expected;
    this.#parts = parts;
    this.#digester = digester;
  }

  /** At once where the digester is there at once: of 20,000 small blobs each promise counts. */
  static create(
    expected: Expected,
    options: VerifyOptions = {},
  ): Verifier | Promise<Verifier> {
    const parts = parseExpected(expected);
    const digester = (options.createDigester ?? createDigester)(parts.algorithm);
    return "then" in digester
      ? digester.then((digester) => new Verifier(expected, parts, digester))
      : new Verifier(expected, parts, digester);
  }

  /** Takes the next bytes, and fails on the first one too many. */
  update(bytes: Uint8Array): void | Promise<void> {
    this.#size += bytes.length;
    const { digest, size } = this.#expected;
    if (this.#size > size) throw new SizeMismatchError(digest, size, this.#size, "or more came");
    return this.#digester.update(bytes);
  }

  /** Judges the whole: its size, then its digest. */
  finish(): void | Promise<void> {
    const { digest, size } = this.#expected;
    if (this.#size !== size) throw new SizeMismatchError(digest, size, this.#size);
    const encoded = this.#digester.digest();
    if (typeof encoded !== "string") return encoded.then((encoded) => this.#judge(encoded));
    this.#judge(encoded);
  }

  #judge(actual: string): void {
    const { algorithm, encoded } = this.#parts;
    if (actual === encoded) return;
    throw new DigestMismatchError(this.#expected.digest, `${algorithm}:${actual}`);
  }
}

/** What to say of a stream of something else than bytes. */
export function notBytes(digest: string): BlobReadError {
  return new BlobReadError(digest, "its stream gave something other than bytes");
}

/** Against a size that is none, such as a text out of JSON, everything would fail and nothing tell why. */
function parseExpected({ digest, size }: Expected): Digest {
  const parts = parseDigest(digest);
  parseSize(size, () => `the call that verifies ${digest}`);
  return parts;
}

/**
 * Lets a blob's bytes through unchanged and fails where they are not what the descriptor says: as
 * soon as there are too many, at the end where there are too few or the digest differs. The last
 * chunk leaves only after the digest has passed, so nothing downstream ever has a complete copy of
 * a corrupt blob.
 *
 * The readable side errors with a `SizeMismatchError` or a `DigestMismatchError`.
 *
 * Source: [image spec, "Verification"](https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#verification).
 *
 * @example
 * ```ts
 * import { VerifyStream } from "@oci/archive";
 *
 * const descriptor = {
 *   digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
 *   size: 5,
 * };
 * const verified = new Blob(["hello"]).stream().pipeThrough(new VerifyStream(descriptor));
 * console.log(await new Response(verified).text()); // hello
 * ```
 */
export class VerifyStream<Bytes extends Uint8Array = Uint8Array<ArrayBuffer>>
  extends TransformStream<Bytes, Bytes> {
  /**
   * A stream for one blob.
   *
   * @param expected what the bytes are held against: any descriptor
   * @throws {InvalidDigestError | UnsupportedAlgorithmError | InvalidDescriptorError} where nothing
   * could ever be verified
   */
  constructor(expected: Expected, options?: VerifyOptions) {
    parseExpected(expected);
    let verifier: Verifier;
    let held: Bytes | undefined;
    super({
      async start() {
        verifier = await Verifier.create(expected, options);
      },
      async transform(chunk, controller) {
        // A hash takes texts too, and their length is none in bytes.
        if (!(chunk instanceof Uint8Array)) throw notBytes(expected.digest);
        await verifier.update(chunk);
        if (chunk.length === 0) return;
        if (held) controller.enqueue(held);
        held = chunk;
      },
      async flush(controller) {
        await verifier.finish();
        if (held) controller.enqueue(held);
      },
    });
  }
}
