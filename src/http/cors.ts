/** Which pages of other origins may read the responses: all, or those of these origins. */
export type AllowedOrigins = "*" | readonly string[];

/** What a page needs to resume and to show a download. */
const EXPOSED = "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag";

/** Lets pages of allowed origins read a response: [Fetch, "CORS protocol"](https://fetch.spec.whatwg.org/#http-cors-protocol). */
export function allowOrigin(headers: Headers, request: Request, allowed: AllowedOrigins): void {
  const origin = request.headers.get("origin");
  if (allowed === "*") {
    headers.set("access-control-allow-origin", "*");
  } else {
    headers.append("vary", "Origin");
    if (origin === null || !allowed.includes(origin)) return;
    headers.set("access-control-allow-origin", origin);
  }
  headers.set("access-control-expose-headers", EXPOSED);
}

/** Answers the question that a browser asks before a request with headers of its own. */
export function preflightResponse(request: Request, allowed: AllowedOrigins): Response {
  const headers = new Headers({
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": "Authorization, If-Match, If-None-Match, If-Range, Range",
    "access-control-max-age": "86400",
  });
  allowOrigin(headers, request, allowed);
  return new Response(null, { status: 204, headers });
}
