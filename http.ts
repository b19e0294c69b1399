/**
 * Archives over HTTP: {@linkcode archiveResponse} and {@linkcode createArchiveHandler} serve them
 * with a length, an ETag and ranges, stored nowhere; {@linkcode uploadArchive} and
 * {@linkcode s3Upload} send them away. Web types only: the same code runs on Deno, Bun, Node,
 * Cloudflare's workerd and in browsers.
 *
 * @module
 */
export type { BodyOptions } from "./src/http/body.ts";
export type { AllowedOrigins } from "./src/http/cors.ts";
export {
  type ArchiveHandler,
  type ArchiveHandlerOptions,
  createArchiveHandler,
} from "./src/http/handler.ts";
export type { ImageSources, ResolveOptions, ServedImage } from "./src/http/images.ts";
export type { ListedImage } from "./src/http/listing.ts";
export { archivePage } from "./src/http/page.ts";
export type { PlanCacheOptions } from "./src/http/plan_cache.ts";
export { archiveResponse, type ArchiveResponseOptions } from "./src/http/response.ts";
export {
  type S3Credentials,
  type S3Object,
  s3Upload,
  type S3UploadOptions,
} from "./src/http/s3_upload.ts";
export { uploadArchive, type UploadOptions } from "./src/http/upload.ts";
