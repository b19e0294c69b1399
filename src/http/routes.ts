import { type ArchivePlan, planArchive } from "../archive/plan.ts";
import { planJson } from "../archive/plan_json.ts";
import type { ContentStore } from "../content/store.ts";
import { InvalidReferenceError, ReferenceNotFoundError } from "../errors.ts";
import { tell } from "./body.ts";
import { content, json } from "./content.ts";
import { allowOrigin, preflightResponse } from "./cors.ts";
import { problemOf } from "./failure.ts";
import { defaultFilename } from "./filename.ts";
import type { ArchiveHandlerOptions } from "./handler.ts";
import { readImageTree } from "./image_tree.ts";
import {
  descriptorOf,
  findImage,
  ForbiddenNameError,
  imageName,
  listImages,
  type ServedImage,
  StoredNameError,
} from "./images.ts";
import { listed, type ListedImage, listingPage } from "./listing.ts";
import { PlanCache } from "./plan_cache.ts";
import { type Problem, problemResponse } from "./problem.ts";
import { parseQuery } from "./query.ts";
import { archiveResponse } from "./response.ts";
import { parseArchivePath } from "./route.ts";

/** Keeps a worker alive until the promise is settled. */
export type WaitUntil = (promise: Promise<unknown>) => void;

/** Leaves `request.signal` alone: Deno aborts it after every answer, and warns whoever listens. */
export class Routes {
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
    try {
      return this.#open(await this.#route(request, waitUntil), request);
    } catch (error) {
      return this.#open(this.#fail(error, request), request);
    }
  }

  /** Lets pages of other origins read a response, where they may. */
  #open(response: Response, request: Request): Response {
    const { cors } = this.#options;
    // Nobody reads a network error, or a switch to another protocol.
    if (!cors || response.status < 200) return response;
    let open: Response;
    try {
      // What a hook returns may have headers that cannot be changed.
      open = new Response(response.body, response);
    } catch (cause) {
      throw new Error("Cannot answer with what a hook returned", { cause });
    }
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
    if (this.#basePath !== "" && url.pathname === this.#basePath) {
      const location = `${this.#basePath}/${url.search}`;
      return new Response(null, { status: 308, headers: { location } });
    }
    const isArchives = path === "/archives" || path.startsWith("/archives/");
    if (!isArchives && path !== "" && page) return await page(request, path);
    if (request.method !== "GET" && request.method !== "HEAD") {
      const detail = `Expected GET or HEAD, not ${request.method}`;
      return problemResponse({ status: 405, detail }, request, { allow: "GET, HEAD" });
    }
    if (target) {
      const found = await findImage(target.name, this.#options, { request });
      const refusal = await this.#refuse(found.name, target.name, request);
      if (refusal) return refusal;
      const image = await found.get();
      if (!image) {
        const why = `${this.#basePath}/archives lists what there is`;
        throw new ReferenceNotFoundError(target.name, why);
      }
      if (target.form === "tree") return await tree(image, request);
      const plan = await this.#plan(image, url.searchParams, waitUntil);
      if (target.form === "json") {
        return await json(request, { filename: defaultFilename(plan), ...planJson(plan) });
      }
      return archiveResponse(plan, request, {
        ...this.#options.responseOptions,
        onError: (error) => this.#report(error, request),
      });
    }
    if (path === "/archives") {
      return await json(request, await this.#list(request));
    }
    if (path === "/") {
      const html = listingPage(await this.#list(request));
      return await content(request, "text/html; charset=utf-8", html);
    }
    const detail = `Expected ${this.#basePath}/archives or ${this.#basePath}/archives/NAME.tar`;
    return problemResponse({ status: 404, detail }, request);
  }

  async #list(request: Request): Promise<ListedImage[]> {
    const { allowName } = this.#options;
    const images = await listImages(this.#options);
    const allowed = await Promise.all(
      images.map(({ root }) => allowName?.(imageName(root), request) ?? true),
    );
    return images.filter((_, i) => allowed[i]).map((image) => listed(image, this.#basePath));
  }

  /** Judges by the image's own name: another that leads to it must not get more than that. */
  async #refuse(name: string, asked: string, request: Request): Promise<Response | undefined> {
    const { allowName, authorize } = this.#options;
    if (allowName && !await allowName(name, request)) {
      throw new ForbiddenNameError("This name may not be asked for here");
    }
    return name === asked ? undefined : await authorize?.(request, name);
  }

  async #plan(
    { store, root }: ServedImage,
    query: URLSearchParams,
    waitUntil: WaitUntil,
  ): Promise<ArchivePlan> {
    const { exportOptions, allowQuery = true } = this.#options;
    if (!allowQuery && query.size > 0) {
      throw new RangeError("Cannot use a query here: each image has one archive, without options");
    }
    const { options, names } = parseQuery(query);
    const wanted = names ? { descriptor: descriptorOf(root), names } : root;
    const key = JSON.stringify([this.#storeId(store), wanted, options]);
    // No signal: others may wait for the same plan, and whoever comes back finds it.
    const plan = this.#plans.get(
      key,
      () => planArchive(store, [wanted], { ...exportOptions, ...options }).catch(blameStore),
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
    tell(() => this.#options.onError?.(error, request));
  }
}

/** The query's names have been checked by now: a bad one is the image's own. */
function blameStore(error: unknown): never {
  throw error instanceof InvalidReferenceError ? new StoredNameError(error) : error;
}

async function tree({ store, root }: ServedImage, request: Request): Promise<Response> {
  return await json(request, await readImageTree(store, descriptorOf(root)));
}
