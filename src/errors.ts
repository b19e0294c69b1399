/**
 * Every error that a caller can catch. Each has a class of its own, a literal `name` that survives
 * bundling and minifying, and its facts as fields; the message says what was expected, what came,
 * and how to go on. Wrong use of the API is a `TypeError` or a `RangeError` instead.
 *
 * @module
 */

/** What every error of this package has in common: catch this to catch them all. */
export abstract class ArchiveError extends Error {
  abstract override readonly name: string;
}

/** A string that should be a digest and is none. [Image spec, "Digests"](https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests) */
export class InvalidDigestError extends ArchiveError {
  override readonly name = "InvalidDigestError";
  /** The text that came. */
  readonly digest: string;
  constructor(digest: string, why: string) {
    super(`Cannot use digest ${quote(digest)}: ${why}`);
    this.digest = digest;
  }
}

/** A digest whose algorithm nobody here can compute, so that its blob could not be verified. */
export class UnsupportedAlgorithmError extends ArchiveError {
  override readonly name = "UnsupportedAlgorithmError";
  /** The algorithm that was asked for. */
  readonly algorithm: string;
  constructor(algorithm: string, supported: readonly string[], options?: ErrorOptions) {
    super(
      `Cannot verify digests of algorithm ${quote(algorithm)}: supported are ${
        supported.join(", ")
      }`,
      options,
    );
    this.algorithm = algorithm;
  }
}

/** A descriptor with a field that is missing or has a value the spec does not allow. */
export class InvalidDescriptorError extends ArchiveError {
  override readonly name = "InvalidDescriptorError";
  /** Where the descriptor stands, such as `manifest sha256:… layers[2]`. */
  readonly where: string;
  /** The field at fault, such as `size`; empty where there is no object at all. */
  readonly field: string;
  constructor(where: string, field: string, why: string, options?: ErrorOptions) {
    super(
      `Cannot use the descriptor in ${where}: ${field === "" ? "" : `${field} `}${why}`,
      options,
    );
    this.where = where;
    this.field = field;
  }
}

/** A manifest or index that is not what its descriptor says, or not what the spec allows. */
export class InvalidManifestError extends ArchiveError {
  override readonly name = "InvalidManifestError";
  /** The manifest's digest. */
  readonly digest: string;
  /** The field at fault; empty where the whole document is. */
  readonly field: string;
  constructor(digest: string, field: string, why: string, options?: ErrorOptions) {
    super(`Cannot use manifest ${digest}: ${field === "" ? "" : `${field} `}${why}`, options);
    this.digest = digest;
    this.field = field;
  }
}

/** A layout whose `oci-layout` or `index.json` is missing or broken. */
export class InvalidLayoutError extends ArchiveError {
  override readonly name = "InvalidLayoutError";
  /** The file at fault: `oci-layout` or `index.json`. */
  readonly file: string;
  constructor(layout: string, file: string, why: string, options?: ErrorOptions) {
    super(`Cannot read ${layout} as an OCI image layout: ${file} ${why}`, options);
    this.file = file;
  }
}

/** A root that is neither a manifest nor an index, so that there is nothing to walk. */
export class NotAManifestError extends ArchiveError {
  override readonly name = "NotAManifestError";
  /** The root's digest. */
  readonly digest: string;
  /** The media type that its descriptor says. */
  readonly mediaType: string;
  constructor(digest: string, mediaType: string) {
    super(
      `Cannot export ${digest}: only manifests and indexes may be exported, its media type is ${
        quote(mediaType)
      }`,
    );
    this.digest = digest;
    this.mediaType = mediaType;
  }
}

/** An image name that the reference grammar does not allow. */
export class InvalidReferenceError extends ArchiveError {
  override readonly name = "InvalidReferenceError";
  readonly reference: string;
  constructor(reference: string, why: string) {
    super(`Cannot use image name ${quote(reference)}: ${why}`);
    this.reference = reference;
  }
}

/** A name or digest that the store does not have, or has more than once. */
export class ReferenceNotFoundError extends ArchiveError {
  override readonly name = "ReferenceNotFoundError";
  readonly reference: string;
  constructor(reference: string, why: string, options?: ErrorOptions) {
    super(`Cannot find ${quote(reference)}: ${why}`, options);
    this.reference = reference;
  }
}

/** A platform specifier that cannot be parsed. */
export class InvalidPlatformError extends ArchiveError {
  override readonly name = "InvalidPlatformError";
  readonly platform: string;
  constructor(platform: string, why: string) {
    super(`Cannot use platform ${quote(platform)}: ${why}`);
    this.platform = platform;
  }
}

/** An index that has no manifest for the platforms that were asked for. */
export class PlatformNotFoundError extends ArchiveError {
  override readonly name = "PlatformNotFoundError";
  /** The index's digest. */
  readonly digest: string;
  /** The platforms that the index has, as specifiers. */
  readonly available: readonly string[];
  constructor(digest: string, wanted: readonly string[], available: readonly string[]) {
    super(
      `Cannot find platform ${wanted.join(" or ")} in index ${digest}: it has ${
        available.length === 0 ? "none" : some(available)
      }`,
    );
    this.digest = digest;
    this.available = available;
  }
}

/** A blob that the store does not have. */
export class BlobNotFoundError extends ArchiveError {
  override readonly name = "BlobNotFoundError";
  /** The blob's digest. */
  readonly digest: string;
  constructor(digest: string, where: string, options?: ErrorOptions) {
    super(`Cannot find blob ${digest} in ${where}`, options);
    this.digest = digest;
  }
}

/** A blob that the store has but could not read; `cause` is the store's own error. */
export class BlobReadError extends ArchiveError {
  override readonly name = "BlobReadError";
  /** The blob's digest; `archive`, or where it is read from, for a whole archive. */
  readonly digest: string;
  constructor(digest: string, why: string, options?: ErrorOptions) {
    const isDigest = /^[a-z0-9+._-]+:[0-9a-f]+$/.test(digest);
    super(`Cannot read ${isDigest ? "blob " : ""}${digest}: ${why}`, options);
    this.digest = digest;
  }
}

/** A blob with more or fewer bytes than its descriptor says. */
export class SizeMismatchError extends ArchiveError {
  override readonly name = "SizeMismatchError";
  /** The blob's digest. */
  readonly digest: string;
  /** Bytes, by the descriptor. */
  readonly expected: number;
  /** Bytes that came, or at least that many where reading stopped at the first one too many. */
  readonly actual: number;
  constructor(digest: string, expected: number, actual: number, why = "came") {
    super(`Cannot verify blob ${digest}: expected ${expected} bytes, ${actual} ${why}`);
    this.digest = digest;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A blob whose bytes have another digest than its descriptor says. */
export class DigestMismatchError extends ArchiveError {
  override readonly name = "DigestMismatchError";
  /** The digest by the descriptor. */
  readonly digest: string;
  /** The digest of the bytes that came. */
  readonly actual: string;
  constructor(digest: string, actual: string) {
    super(`Cannot verify blob ${digest}: its bytes have the digest ${actual}`);
    this.digest = digest;
    this.actual = actual;
  }
}

/** Input that goes over a bound of this package, such as the size of a manifest. */
export class LimitError extends ArchiveError {
  override readonly name = "LimitError";
  /** The option that moves the bound, such as `maxManifestSize`. */
  readonly limit: string;
  readonly max: number;
  constructor(what: string, limit: string, max: number) {
    super(`Cannot go on with ${what}: over the limit ${limit} = ${max}; raise it if this is meant`);
    this.limit = limit;
    this.max = max;
  }
}

/** Bytes that should be a tar archive and are none, or a tar that is cut short. */
export class InvalidTarError extends ArchiveError {
  override readonly name = "InvalidTarError";
  /** Where in the archive, in bytes from its start. */
  readonly offset: number;
  constructor(offset: number, why: string, options?: ErrorOptions) {
    super(`Cannot read the tar at byte ${offset}: ${why}`, options);
    this.offset = offset;
  }
}

/** An upload that did not arrive. */
export class UploadError extends ArchiveError {
  override readonly name = "UploadError";
  /** Where to, without credentials and without the query, which may be a signature. */
  readonly url: string;
  /** The HTTP status of the answer; undefined where none came. */
  readonly status: number | undefined;
  constructor(url: string | URL, status: number | undefined, why: string, options?: ErrorOptions) {
    const { origin, pathname } = new URL(url);
    super(`Cannot upload to ${origin}${pathname}: ${why}`, options);
    this.url = `${origin}${pathname}`;
    this.status = status;
  }
}

/** Text from outside, quoted for a message: control characters escaped, and not without end. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

/** The first of many, for a message. */
export function some(items: readonly string[]): string {
  return items.length <= 12
    ? items.join(", ")
    : `${items.slice(0, 12).join(", ")} and ${items.length - 12} more`;
}

/** What a registry's error has beside its message. */
export interface RegistryErrorOptions extends ErrorOptions {
  /** The HTTP status; none where no answer came. */
  status?: number | undefined;
  /** The registry's own code: [distribution spec, "Error Codes"](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes). */
  code?: string | undefined;
}

/** A registry that cannot be reached, refuses, or answers against the protocol. */
export class RegistryError extends ArchiveError {
  override readonly name: "RegistryError" | "RegistryAuthError" = "RegistryError";
  /** What was asked for, without query and user. */
  readonly url: string;
  /** The HTTP status; undefined where no answer came, or where it is we who refuse. */
  readonly status: number | undefined;
  /** The registry's own code, such as `MANIFEST_UNKNOWN`. */
  readonly code: string | undefined;
  constructor(url: string, why: string, options: RegistryErrorOptions = {}) {
    super(`Cannot get ${url}: ${why}`, options);
    this.url = url;
    this.status = options.status;
    this.code = options.code;
  }
}

/** A registry that wants other credentials, or to which they cannot be given safely. */
export class RegistryAuthError extends RegistryError {
  override readonly name = "RegistryAuthError";
}

/** What containerd's error has beside its message. */
export interface ContainerdErrorOptions extends ErrorOptions {
  /** gRPC's name of it, such as `UNAVAILABLE`. */
  code: string;
}

/** A containerd that cannot be reached, or refuses. */
export class ContainerdError extends ArchiveError {
  override readonly name = "ContainerdError";
  /** Where it listens. */
  readonly address: string;
  /** gRPC's name of the error, such as `UNAVAILABLE`: [gRPC, "Status codes"](https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
  readonly code: string;
  constructor(address: string, why: string, options: ContainerdErrorOptions) {
    super(`Cannot ask containerd at ${address}: ${why}`, options);
    this.address = address;
    this.code = options.code;
  }
}
