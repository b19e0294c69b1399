/**
 * Archives over HTTP: {@linkcode archiveResponse} and {@linkcode createArchiveHandler} serve them
 * with a length, an ETag and ranges, stored nowhere; {@linkcode uploadArchive} and
 * {@linkcode s3Upload} send them away. Web types only: the same code runs on Deno, Bun, Node,
 * Cloudflare's workerd and in browsers.
 *
 * @module
 */
export type { BodyOptions } from "./body.ts";
export type { AllowedOrigins } from "./cors.ts";
export {
  type ArchiveHandler,
  type ArchiveHandlerOptions,
  createArchiveHandler,
} from "./handler.ts";
export type { ImageSources, ResolveOptions, ServedImage } from "./images.ts";
export type { ListedImage } from "./listing.ts";
export { archivePage } from "./page.ts";
export type { PlanCacheOptions } from "./plan_cache.ts";
export { archiveResponse, type ArchiveResponseOptions } from "./response.ts";
export {
  type S3ClientOptions,
  type S3Credentials,
  type S3Object,
  s3Upload,
  type S3UploadOptions,
} from "./s3_upload.ts";
export { uploadArchive, type UploadOptions } from "./upload.ts";
