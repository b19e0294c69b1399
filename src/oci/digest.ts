import { InvalidDigestError, UnsupportedAlgorithmError } from "../errors.ts";

/** A digest algorithm that this package can verify. */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512" | "blake3";

/** The length of each algorithm's hex encoding. */
const ENCODED_LENGTH: Record<DigestAlgorithm, number> = {
  sha256: 64,
  sha384: 96,
  sha512: 128,
  blake3: 64,
};

/** The supported algorithms, by name. */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = Object.keys(
  ENCODED_LENGTH,
) as DigestAlgorithm[];

/** A digest in its two parts. */
export interface Digest {
  /** Such as `sha256`. */
  algorithm: DigestAlgorithm;
  /** The hash in lower-case hex. */
  encoded: string;
}

/** By character code, 1 for each hex digit. A look at each takes a third of a regex's time. */
const IS_HEX = new Uint8Array(128);
for (const digit of "0123456789abcdef") IS_HEX[digit.charCodeAt(0)] = 1;

function isHex(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (IS_HEX[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

// The image spec's grammar, with algorithms that nobody here knows.
const GRAMMAR = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

/**
 * Takes a digest apart, and checks it: the grammar, the algorithm, and the encoding's length and
 * alphabet. What passes is safe to use in a path.
 *
 * Source: [image spec, "Digests"](https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests).
 *
 * @throws {InvalidDigestError} where the text is no digest
 * @throws {UnsupportedAlgorithmError} where it is one that cannot be verified
 *
 * @example
 * ```ts
 * import { parseDigest } from "@oci/archive";
 *
 * const { algorithm, encoded } = parseDigest(`sha256:${"a".repeat(64)}`);
 * console.log(algorithm, encoded.length); // sha256 64
 * ```
 */
export function parseDigest(digest: string): Digest {
  const colon = digest.indexOf(":");
  const algorithm = digest.slice(0, colon) as DigestAlgorithm;
  const encoded = digest.slice(colon + 1);
  const isKnown = Object.hasOwn(ENCODED_LENGTH, algorithm);
  // Nothing that passes can lead out of a directory.
  if (isKnown && encoded.length === ENCODED_LENGTH[algorithm] && isHex(encoded)) {
    return { algorithm, encoded };
  }
  if (!GRAMMAR.test(digest)) {
    throw new InvalidDigestError(digest, "expected <algorithm>:<encoded>, such as sha256:<64 hex>");
  }
  if (!isKnown) throw new UnsupportedAlgorithmError(algorithm, DIGEST_ALGORITHMS);
  throw new InvalidDigestError(
    digest,
    `expected ${ENCODED_LENGTH[algorithm]} lower-case hex digits after ${algorithm}:`,
  );
}

/** Whether {@linkcode parseDigest} takes the text: a digest that can be verified. */
export function isDigest(text: string): boolean {
  try {
    parseDigest(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The path of a blob inside a layout or an archive: `blobs/<algorithm>/<encoded>`.
 *
 * Source: [image layout, "Blobs"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#blobs).
 *
 * @throws {InvalidDigestError | UnsupportedAlgorithmError} as {@linkcode parseDigest}
 *
 * @example
 * ```ts
 * import { blobPath } from "@oci/archive";
 *
 * console.log(blobPath(`sha256:${"a".repeat(64)}`)); // blobs/sha256/aaaa…
 * ```
 */
export function blobPath(digest: string): string {
  parseDigest(digest);
  return checkedBlobPath(digest);
}

/** {@linkcode blobPath} of a digest that has been checked, as those of parsed descriptors have. */
export function checkedBlobPath(digest: string): string {
  const colon = digest.indexOf(":");
  return `blobs/${digest.slice(0, colon)}/${digest.slice(colon + 1)}`;
}
