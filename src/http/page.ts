import { HTML, POLICY } from "./page/bundle.ts";
import { content } from "./content.ts";
import { problemResponse } from "./problem.ts";

/**
 * The page for people, as the `page` of a handler: pick an image, see its tree, choose platforms and
 * options, see the archive's size and ETag, and download it while the browser verifies it.
 *
 * It is one document: it loads nothing from elsewhere, and its Content-Security-Policy allows only
 * its own script, by hash. It has to be served from the path above `/archives`, slash at its end: the
 * handler tells that path, and whoever serves the page without it routes it there.
 *
 * @example
 * ```ts
 * import { MemoryStore } from "@oci/archive";
 * import { archivePage, createArchiveHandler } from "@oci/archive/http";
 *
 * const handler = createArchiveHandler({ stores: [new MemoryStore()], page: archivePage() });
 * const page = await handler(new Request("http://localhost/"));
 * console.log(page.headers.get("content-type")); // text/html; charset=utf-8
 * ```
 */
export function archivePage(): (request: Request, path?: string) => Promise<Response> {
  return async (request, path) => {
    const { method, url } = request;
    if (method !== "GET" && method !== "HEAD") {
      const detail = `Expected GET or HEAD, not ${method}`;
      return problemResponse({ status: 405, detail }, request, { allow: "GET, HEAD" });
    }
    if (path === undefined ? !new URL(url).pathname.endsWith("/") : path !== "/") {
      return problemResponse({ status: 404, detail: "There is no such page" }, request);
    }
    const response = await content(request, "text/html; charset=utf-8", HTML);
    response.headers.set("content-security-policy", POLICY);
    response.headers.set("referrer-policy", "no-referrer");
    response.headers.set("cross-origin-opener-policy", "same-origin");
    return response;
  };
}
