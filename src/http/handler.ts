import { checkExportOptions, type ExportOptions } from "../archive/options.ts";
import { quote } from "../errors.ts";
import type { AllowedOrigins } from "./cors.ts";
import type { ImageSources } from "./images.ts";
import type { PlanCacheOptions } from "./plan_cache.ts";
import { type ArchiveResponseOptions, checkResponseOptions } from "./response.ts";
import { Routes } from "./routes.ts";

/** What a handler serves, to whom, and how. */
export interface ArchiveHandlerOptions extends ImageSources {
  /**
   * Asked before anything else, but for a browser's CORS preflight. The response it returns, such as
   * a 401, is the answer; without one the request goes on. Asked a second time where the name leads
   * to an image of another name, such as a digest or `alpine` for `docker.io/library/alpine`.
   *
   * @param name the image asked for; then the image's own name; undefined for the list and the page
   */
  authorize?:
    | ((
      request: Request,
      name: string | undefined,
    ) => Response | undefined | Promise<Response | undefined>)
    | undefined;
  /**
   * Which images are listed and may be asked for, by their own names, whichever name leads to them:
   * the full name of one that `resolve` would be asked for. Without it, all that there are.
   */
  allowName?: ((name: string, request: Request) => boolean | Promise<boolean>) | undefined;
  /** Pages of other origins that may read the responses. Without it, none. */
  cors?: AllowedOrigins | undefined;
  /**
   * Answers `GET /`, and every other path outside of `/archives`, which may be files of the page.
   *
   * @param path the request's path below `basePath`; `/` for the page itself
   * @default {a plain list of the images}
   */
  page?: ((request: Request, path: string) => Response | Promise<Response>) | undefined;
  /**
   * What all paths begin with, such as `/images`; no slash at its end. Without more it leads to the
   * page, which needs the slash.
   * @default {""}
   */
  basePath?: string | undefined;
  /** What every archive is planned with; the query's options come on top. */
  exportOptions?: Omit<ExportOptions, "signal"> | undefined;
  /**
   * Whether a query may have options; where not, it is refused, and an image has one archive only.
   * @default {true}
   */
  allowQuery?: boolean | undefined;
  /** How to answer with an archive. */
  responseOptions?:
    | Pick<ArchiveResponseOptions, "verify" | "cacheControl" | "maxRanges">
    | undefined;
  /** The bounds of the plans that are kept between requests. */
  planCache?: PlanCacheOptions | undefined;
  /**
   * Told of failures that are the server's own: a store's, a hook's, and of a body under way. What it
   * throws is passed over.
   */
  onError?: ((error: unknown, request: Request) => void) | undefined;
}

/**
 * Answers a request, and never rejects.
 *
 * @param context as Cloudflare gives it to a worker's `fetch`: there a plan that others wait for
 * would end with the request that began it
 */
export type ArchiveHandler = (
  request: Request,
  env?: unknown,
  context?: { waitUntil?(promise: Promise<unknown>): void },
) => Promise<Response>;

/**
 * A web-standard request handler that serves archives; nothing is stored. Give it to `Deno.serve`,
 * `Bun.serve`, srvx or hono, or export it as a worker's `fetch`.
 *
 * - `GET /archives`: a JSON array of {@linkcode ListedImage}
 * - `GET /archives/NAME.tar?platform=linux/arm64&referrers`: an archive, as
 *   {@linkcode archiveResponse} answers; NAME percent-encoded or not, or a digest; the query takes
 *   the command's export options
 * - `GET /archives/NAME.json?…`: that archive's plan as JSON, with its size, ETag and entries
 * - `GET /archives/NAME.tree`: the image as JSON, with all platforms and referrers there are
 * - `GET /`: a page
 *
 * Errors are `application/problem+json`.
 *
 * @throws {TypeError} where there is nothing to serve, a resolver without hosts, or a `basePath`
 * that no request could be below
 * @throws {RangeError | InvalidPlatformError} where an option is out of range, or a platform is none
 *
 * @example
 * ```ts
 * import { MediaType, MemoryStore } from "@oci/archive";
 * import { createArchiveHandler } from "@oci/archive/http";
 *
 * const store = new MemoryStore();
 * const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
 * const config = await store.add(MediaType.ImageConfig, text({ os: "linux" }));
 * const root = await store.add(
 *   MediaType.ImageManifest,
 *   text({ schemaVersion: 2, config, layers: [] }),
 * );
 * store.tag("app", root);
 *
 * const handler = createArchiveHandler({ stores: [store] });
 * const [{ url }] = await (await handler(new Request("http://localhost/archives"))).json();
 * const archive = await handler(new Request(new URL(url, "http://localhost")));
 * console.log(archive.status, archive.headers.get("content-type")); // 200 application/x-tar
 * await archive.body?.cancel();
 * ```
 */
export function createArchiveHandler(options: ArchiveHandlerOptions): ArchiveHandler {
  const { stores, list, resolve, hosts = [], basePath = "" } = options;
  if (!stores && !list && !resolve) {
    throw new TypeError("Cannot serve archives: expected stores, list or resolve");
  }
  if (resolve && hosts.length === 0) {
    throw new TypeError("Cannot serve what resolve finds: expected the hosts that may be asked");
  }
  if (!/^(?:\/.*[^/])?$/.test(basePath)) {
    throw new TypeError(
      `Cannot serve below basePath ${quote(basePath)}: expected a path such as /images`,
    );
  }
  // Found with a request, it would seem to be the client's fault.
  checkExportOptions(options.exportOptions ?? {});
  checkResponseOptions(options.responseOptions ?? {});
  const routes = new Routes(options);
  return (request, _env, context) => {
    const waitUntil = (plan: Promise<unknown>) => context?.waitUntil?.(plan.catch(() => {}));
    return routes.handle(request, waitUntil);
  };
}
