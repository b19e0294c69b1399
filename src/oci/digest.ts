import { InvalidDigestError, UnsupportedAlgorithmError } from "../errors.ts";

/** The digest algorithms whose blobs can be verified, with the length of their hex encoding. */
const ENCODED_LENGTH = { sha256: 64, sha384: 96, sha512: 128, blake3: 64 } as const;

/** A digest algorithm that this package can verify. */
export type DigestAlgorithm = keyof typeof ENCODED_LENGTH;

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

// The grammar of the image spec. Nothing it allows can leave a directory: no slash, no dot alone.
const GRAMMAR = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/;
const HEX = /^[0-9a-f]+$/;

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
  const [, algorithm, encoded] = GRAMMAR.exec(digest) ?? [];
  if (algorithm === undefined || encoded === undefined) {
    throw new InvalidDigestError(digest, "expected <algorithm>:<encoded>, such as sha256:<64 hex>");
  }
  if (!Object.hasOwn(ENCODED_LENGTH, algorithm)) {
    throw new UnsupportedAlgorithmError(algorithm, DIGEST_ALGORITHMS);
  }
  const length = ENCODED_LENGTH[algorithm as DigestAlgorithm];
  if (encoded.length !== length || !HEX.test(encoded)) {
    throw new InvalidDigestError(
      digest,
      `expected ${length} lower-case hex digits after ${algorithm}:`,
    );
  }
  return { algorithm: algorithm as DigestAlgorithm, encoded };
}

/**
 * The path of a blob inside a layout or an archive: `blobs/<algorithm>/<encoded>`.
 *
 * Source: [image layout, "Blobs"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#blobs).
 *
 * @throws {InvalidDigestError | UnsupportedAlgorithmError} as {@linkcode parseDigest}
 */
export function blobPath(digest: string): string {
  const { algorithm, encoded } = parseDigest(digest);
  return `blobs/${algorithm}/${encoded}`;
}
