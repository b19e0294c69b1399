import { type ArchivePlan, planArchive } from "../archive/plan.ts";
import { planJson } from "../archive/plan_json.ts";
import type { ExportOptions } from "../archive/options.ts";
import type { ContentStore } from "../content/store.ts";
import { ReferenceNotFoundError } from "../errors.ts";
import { content, json } from "./content.ts";
import { type AllowedOrigins, allowOrigin, preflightResponse } from "./cors.ts";
import { problemOf } from "./failure.ts";
import { defaultFilename } from "./filename.ts";
import { readImageTree } from "./image_tree.ts";
import {
  descriptorOf,
  findImage,
  ForbiddenNameError,
  type ImageSources,
  listImages,
  type ServedImage,
} from "./images.ts";
import { listed, type ListedImage, listingPage } from "./listing.ts";
import { PlanCache, type PlanCacheOptions } from "./plan_cache.ts";
import { type Problem, problemResponse } from "./problem.ts";
import { parseQuery } from "./query.ts";
import { archiveResponse, type ArchiveResponseOptions } from "./response.ts";
import { parseArchivePath } from "./route.ts";

/** What a handler serves, to whom, and how. */
export interface ArchiveHandlerOptions extends ImageSources {
  /**
   * Asked before anything else, but for a browser's CORS preflight. The response it returns, such as
   * a 401, is the answer; without one the request goes on.
   *
   * @param name the image asked for; undefined for the list and the page
   */
  authorize?: (
    request: Request,
    name: string | undefined,
  ) => Response | undefined | Promise<Response | undefined>;
  /** Which names may be asked for, and are listed. Without it, all that there are. */
  allowName?: (name: string, request: Request) => boolean | Promise<boolean>;
  /** Pages of other origins that may read the responses. Without it, none. */
  cors?: AllowedOrigins;
  /**
   * Answers `GET /`, and every other path outside of `/archives`, which may be files of the page.
   * @default {a plain list of the images}
   */
  page?: (request: Request) => Response | Promise<Response>;
  /**
   * What all paths begin with, such as `/images`; no slash at its end.
   * @default {""}
   */
  basePath?: string;
  /** What every archive is planned with; the query's options come on top. */
  exportOptions?: Omit<ExportOptions, "signal">;
  /** How to answer with an archive. */
  responseOptions?: Pick<ArchiveResponseOptions, "verify" | "cacheControl" | "maxRanges">;
  /** The bounds of the plans that are kept between requests. */
  planCache?: PlanCacheOptions;
  /** Told of failures that are the server's own: a store's, a hook's, and of a body under way. */
  onError?: (error: unknown, request: Request) => void;
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
 * @throws {TypeError} where there is nothing to serve, or a resolver without hosts
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
  const { stores, list, resolve, hosts = [] } = options;
  if (!stores && !list && !resolve) {
    throw new TypeError("Cannot serve archives: expected stores, list or resolve");
  }
  if (resolve && hosts.length === 0) {
    throw new TypeError("Cannot serve what resolve finds: expected the hosts that may be asked");
  }
  const routes = new Routes(options);
  return (request, _env, context) => {
    const waitUntil = (plan: Promise<unknown>) => context?.waitUntil?.(plan.catch(() => {}));
    return routes.handle(request, waitUntil);
  };
}

type WaitUntil = (promise: Promise<unknown>) => void;

/** Leaves `request.signal` alone: Deno aborts it after every answer, and warns whoever listens. */
class Routes {
  #options: ArchiveHandlerOptions;
  #basePath: string;
  #plans: PlanCache;
  #storeIds = new WeakMap<ContentStore, number>();
  #lastStoreId = 0;

  constructor(options: ArchiveHandlerOptions) {
    this.#options = options;
    this.#basePath = options.basePath ?? "";
    this.#plans = new PlanCache(options.planCache);
  }

  async handle(request: Request, waitUntil: WaitUntil): Promise<Response> {
    const { cors } = this.#options;
    const isPreflight = request.method === "OPTIONS" &&
      request.headers.has("access-control-request-method");
    if (cors && isPreflight) return preflightResponse(request, cors);
    const response = await this.#route(request, waitUntil)
      .catch((error) => this.#fail(error, request));
    if (!cors) return response;
    // What a hook returns may have headers that cannot be changed.
    const open = new Response(response.body, response);
    allowOrigin(open.headers, request, cors);
    return open;
  }

  async #route(request: Request, waitUntil: WaitUntil): Promise<Response> {
    const { authorize, page } = this.#options;
    const url = new URL(request.url);
    const path = url.pathname.startsWith(`${this.#basePath}/`)
      ? url.pathname.slice(this.#basePath.length)
      : "";
    const target = parseArchivePath(path);
    const refusal = await authorize?.(request, target?.name);
    if (refusal) return refusal;
    const isArchives = path === "/archives" || path.startsWith("/archives/");
    if (!isArchives && path !== "" && page) return await page(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      const detail = `Expected GET or HEAD, not ${request.method}`;
      return problemResponse({ status: 405, detail }, request, { allow: "GET, HEAD" });
    }
    if (target) {
      const image = await this.#find(target.name, request);
      if (target.form === "tree") return await tree(image, request);
      const plan = await this.#plan(image, url.searchParams, waitUntil);
      if (target.form === "json") {
        return json(request, { filename: defaultFilename(plan), ...planJson(plan) });
      }
      return archiveResponse(plan, request, {
        ...this.#options.responseOptions,
        onError: (error) => this.#report(error, request),
      });
    }
    if (path === "/archives") {
      return json(request, await this.#list(request));
    }
    if (path === "/") {
      const html = listingPage(await this.#list(request));
      return content(request, "text/html; charset=utf-8", html);
    }
    const detail = `Expected ${this.#basePath}/archives or ${this.#basePath}/archives/NAME.tar`;
    return problemResponse({ status: 404, detail }, request);
  }

  async #list(request: Request): Promise<ListedImage[]> {
    const { allowName } = this.#options;
    const images = await listImages(this.#options);
    const allowed = await Promise.all(
      images.map(({ name }) => allowName?.(name, request) ?? true),
    );
    return images.filter((_, i) => allowed[i]).map((image) => listed(image, this.#basePath));
  }

  async #find(name: string, request: Request): Promise<ServedImage> {
    const { allowName } = this.#options;
    if (allowName && !await allowName(name, request)) {
      throw new ForbiddenNameError("This name may not be asked for here");
    }
    const found = await findImage(name, this.#options, { request });
    if (found) return found;
    throw new ReferenceNotFoundError(name, `${this.#basePath}/archives lists what there is`);
  }

  async #plan(
    { store, root }: ServedImage,
    query: URLSearchParams,
    waitUntil: WaitUntil,
  ): Promise<ArchivePlan> {
    const { exportOptions } = this.#options;
    const { options, names } = parseQuery(query);
    const wanted = names ? { descriptor: descriptorOf(root), names } : root;
    const key = JSON.stringify([this.#storeId(store), wanted, options]);
    // No signal: others may wait for the same plan, and whoever comes back finds it.
    const plan = this.#plans.get(
      key,
      () => planArchive(store, [wanted], { ...exportOptions, ...options }),
    );
    waitUntil(plan);
    return await plan;
  }

  #storeId(store: ContentStore): number {
    const id = this.#storeIds.get(store) ?? ++this.#lastStoreId;
    this.#storeIds.set(store, id);
    return id;
  }

  #fail(error: unknown, request: Request): Response {
    const problem: Problem = problemOf(error);
    if (problem.status >= 500) this.#report(error, request);
    return problemResponse(problem, request);
  }

  #report(error: unknown, request: Request): void {
    try {
      this.#options.onError?.(error, request);
    } catch {
      // Whoever is told of errors must not make more of them.
    }
  }
}

async function tree({ store, root }: ServedImage, request: Request): Promise<Response> {
  return json(request, await readImageTree(store, descriptorOf(root)));
}
