/**
 * Every error that a caller can catch. Each has a class of its own, a literal `name` that survives
 * bundling and minifying, and its facts as fields; the message says what was expected, what came,
 * and how to go on. Wrong use of the API is a `TypeError` or a `RangeError` instead.
 *
 * @module
 */

/** What every error of this package has in common: catch this to catch them all. */
export abstract class ArchiveError extends Error {
  /** The name of the class, also where a bundler has renamed that. */
  abstract override readonly name: string;
}

/** A string that should be a digest and is none. [Image spec, "Digests"](https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests) */
export class InvalidDigestError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "InvalidDigestError";
  /** The text that came. */
  readonly digest: string;
  /** Says why the text is none. */
  constructor(digest: string, why: string) {
    super(`Cannot use digest ${quote(digest)}: ${why}`);
    this.digest = digest;
  }
}

/** A digest whose algorithm nobody here can compute, so that its blob could not be verified. */
export class UnsupportedAlgorithmError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "UnsupportedAlgorithmError";
  /** The algorithm that was asked for. */
  readonly algorithm: string;
  /** Says which algorithms are supported. */
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
  /** Its name, a literal. */
  override readonly name = "InvalidDescriptorError";
  /** Where the descriptor stands, such as `manifest sha256:… layers[2]`. */
  readonly where: string;
  /** The field at fault, such as `size`; empty where there is no object at all. */
  readonly field: string;
  /** Says what is wrong with the field. */
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
  /** Its name, a literal. */
  override readonly name = "InvalidManifestError";
  /** The manifest's digest. */
  readonly digest: string;
  /** The field at fault; empty where the whole document is. */
  readonly field: string;
  /** Says what is wrong with the field, or with the whole. */
  constructor(digest: string, field: string, why: string, options?: ErrorOptions) {
    super(`Cannot use manifest ${digest}: ${field === "" ? "" : `${field} `}${why}`, options);
    this.digest = digest;
    this.field = field;
  }
}

/** A layout whose `oci-layout` or `index.json` is missing or broken. */
export class InvalidLayoutError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "InvalidLayoutError";
  /** The file at fault: `oci-layout` or `index.json`. */
  readonly file: string;
  /** Says what is wrong with the file; `layout` is where it lies, for people. */
  constructor(layout: string, file: string, why: string, options?: ErrorOptions) {
    super(`Cannot read ${layout} as an OCI image layout: ${file} ${why}`, options);
    this.file = file;
  }
}

/** A root that is neither a manifest nor an index, so that there is nothing to walk. */
export class NotAManifestError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "NotAManifestError";
  /** The root's digest. */
  readonly digest: string;
  /** The media type that its descriptor says. */
  readonly mediaType: string;
  /** Says which media type the root has instead. */
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
  /** Its name, a literal. */
  override readonly name = "InvalidReferenceError";
  /** The text that came. */
  readonly reference: string;
  /** Says why the name is none. */
  constructor(reference: string, why: string) {
    super(`Cannot use image name ${quote(reference)}: ${why}`);
    this.reference = reference;
  }
}

/** A name or digest that the store does not have, or has more than once. */
export class ReferenceNotFoundError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "ReferenceNotFoundError";
  /** The name or digest that was asked for. */
  readonly reference: string;
  /** Says what there is instead. */
  constructor(reference: string, why: string, options?: ErrorOptions) {
    super(`Cannot find ${quote(reference)}: ${why}`, options);
    this.reference = reference;
  }
}

/** A platform specifier that cannot be parsed. */
export class InvalidPlatformError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "InvalidPlatformError";
  /** The text that came. */
  readonly platform: string;
  /** Says why the specifier is none. */
  constructor(platform: string, why: string) {
    super(`Cannot use platform ${quote(platform)}: ${why}`);
    this.platform = platform;
  }
}

/** An index that has no manifest for the platforms that were asked for. */
export class PlatformNotFoundError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "PlatformNotFoundError";
  /** The index's digest. */
  readonly digest: string;
  /** The platforms that the index has, as specifiers. */
  readonly available: readonly string[];
  /** Says what was wanted, and what there is. */
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
  /** Its name, a literal. */
  override readonly name = "BlobNotFoundError";
  /** The blob's digest. */
  readonly digest: string;
  /** Says where the blob was looked for: `Cannot find blob sha256:… in <where>`. */
  constructor(digest: string, where: string, options?: ErrorOptions) {
    super(`Cannot find blob ${digest} in ${where}`, options);
    this.digest = digest;
  }
}

/** A blob that the store has but could not read; `cause` is the store's own error. */
export class BlobReadError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "BlobReadError";
  /** The blob's digest; `archive`, or where it is read from, for a whole archive. */
  readonly digest: string;
  /** Says why the store could not read it; give its own error as `cause`. */
  constructor(digest: string, why: string, options?: ErrorOptions) {
    const isDigest = /^[a-z0-9+._-]+:[0-9a-f]+$/.test(digest);
    super(`Cannot read ${isDigest ? "blob " : ""}${digest}: ${why}`, options);
    this.digest = digest;
  }
}

/** A blob with more or fewer bytes than its descriptor says. */
export class SizeMismatchError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "SizeMismatchError";
  /** The blob's digest. */
  readonly digest: string;
  /** Bytes, by the descriptor. */
  readonly expected: number;
  /** Bytes that came, or at least that many where reading stopped at the first one too many. */
  readonly actual: number;
  /** Says what became of the bytes: they `came`, or where else they were counted. */
  constructor(digest: string, expected: number, actual: number, why = "came") {
    super(`Cannot verify blob ${digest}: expected ${expected} bytes, ${actual} ${why}`);
    this.digest = digest;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A blob whose bytes have another digest than its descriptor says. */
export class DigestMismatchError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "DigestMismatchError";
  /** The digest by the descriptor. */
  readonly digest: string;
  /** The digest of the bytes that came. */
  readonly actual: string;
  /** Says both digests. */
  constructor(digest: string, actual: string) {
    super(`Cannot verify blob ${digest}: its bytes have the digest ${actual}`);
    this.digest = digest;
    this.actual = actual;
  }
}

/** Input that goes over a bound of this package, such as the size of a manifest. */
export class LimitError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "LimitError";
  /** The option that moves the bound, such as `maxManifestSize`. */
  readonly limit: string;
  /** The bound, in the unit of its option. */
  readonly max: number;
  /** Says what is over the limit. */
  constructor(what: string, limit: string, max: number) {
    super(`Cannot go on with ${what}: over the limit ${limit} = ${max}; raise it if this is meant`);
    this.limit = limit;
    this.max = max;
  }
}

/** Bytes that should be a tar archive and are none, or a tar that is cut short. */
export class InvalidTarError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "InvalidTarError";
  /** Where in the archive, in bytes from its start. */
  readonly offset: number;
  /** Says what is wrong there. */
  constructor(offset: number, why: string, options?: ErrorOptions) {
    super(`Cannot read the tar at byte ${offset}: ${why}`, options);
    this.offset = offset;
  }
}

/** Text from outside, quoted for a message: control characters escaped, and not without end. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

/** What kind of thing it is, for a message: its text may be long, or secret. */
export function nameOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === "object"
    ? `an object of class ${value.constructor?.name || "Object"}`
    : `a ${typeof value}`;
}

/** The first of many, for a message. */
export function some(items: readonly string[]): string {
  return items.length <= 12
    ? items.join(", ")
    : `${items.slice(0, 12).join(", ")} and ${items.length - 12} more`;
}
