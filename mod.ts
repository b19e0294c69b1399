/**
 * Container images out of any store as OCI archives, to the byte as containerd writes them:
 * planned, streamed, verified and read back with web streams alone.
 *
 * {@linkcode exportArchive} is the main job in one call, {@linkcode planArchive} the archive as a
 * value, {@linkcode verifyArchive} the judge. A {@linkcode ContentStore} says where blobs live;
 * stores that touch a disk or a network have subpaths of their own.
 *
 * @module
 */
export { exportArchive } from "./src/archive/export.ts";
export type { ArchiveEntry } from "./src/archive/entries.ts";
export { type ArchivePlan, planArchive } from "./src/archive/plan.ts";
export type { Progress, StreamOptions } from "./src/archive/stream.ts";
export type { ArchiveFinding, ArchiveReport, FindingCode } from "./src/archive/report.ts";
export { verifyArchive, type VerifyArchiveOptions } from "./src/archive/verify.ts";
export type { ExportOptions, Root } from "./src/archive/options.ts";
export { BufferPool } from "./src/content/buffer_pool.ts";
export { type CreateDigester, createDigester, type Digester } from "./src/content/digester.ts";
export { readBlob, type ReadOptions } from "./src/content/read.ts";
export type {
  BlobBody,
  ContentStore,
  Existence,
  Labels,
  OpenOptions,
  Referrers,
  Resolver,
  Roots,
  StoreOptions,
} from "./src/content/store.ts";
export { type Expected, type VerifyOptions, VerifyStream } from "./src/content/verify_stream.ts";
export {
  ArchiveError,
  BlobNotFoundError,
  BlobReadError,
  DigestMismatchError,
  InvalidDescriptorError,
  InvalidDigestError,
  InvalidLayoutError,
  InvalidManifestError,
  InvalidPlatformError,
  InvalidReferenceError,
  InvalidTarError,
  LimitError,
  NotAManifestError,
  PlatformNotFoundError,
  ReferenceNotFoundError,
  SizeMismatchError,
  UnsupportedAlgorithmError,
} from "./src/errors.ts";
export {
  ContainerdError,
  type ContainerdErrorOptions,
  RegistryAuthError,
  RegistryError,
  type RegistryErrorOptions,
  UploadError,
} from "./src/errors/remote.ts";
export type { Descriptor, Platform } from "./src/oci/descriptor.ts";
export {
  blobPath,
  type Digest,
  DIGEST_ALGORITHMS,
  type DigestAlgorithm,
  parseDigest,
} from "./src/oci/digest.ts";
export {
  type Index,
  type Manifest,
  type ManifestFields,
  parseIndex,
  parseManifest,
} from "./src/oci/manifest.ts";
export { MediaType } from "./src/oci/media_type.ts";
export {
  formatPlatform,
  matchPlatforms,
  normalizePlatform,
  parsePlatform,
  type PlatformMatcher,
} from "./src/oci/platform.ts";
export {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
  referenceName,
} from "./src/oci/reference.ts";
export { MemoryStore } from "./src/stores/memory.ts";
export { UnionStore } from "./src/stores/union.ts";
