/** An error that a client can read: [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457). */
export interface Problem {
  /** The HTTP status. */
  status: number;
  /** What happened this time, for people. */
  detail?: string;
  /** The error's class, for programs: `PlatformNotFoundError`. */
  code?: string;
  /** The platforms that there are. */
  available?: readonly string[];
}

const TITLES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  412: "Precondition Failed",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  500: "Internal Server Error",
  502: "Bad Gateway",
};

/** A problem as a response, without its body where the request is a HEAD. */
export function problemResponse(
  problem: Problem,
  request: Request,
  headers?: RequestInit["headers"],
): Response {
  const { status, ...rest } = problem;
  const body = new TextEncoder().encode(
    JSON.stringify({ title: TITLES[status], status, ...rest }),
  );
  const all = new Headers(headers);
  all.set("content-type", "application/problem+json");
  all.set("content-length", String(body.length));
  all.set("x-content-type-options", "nosniff");
  if (!all.has("cache-control")) all.set("cache-control", "no-store");
  return new Response(request.method === "HEAD" ? null : body, { status, headers: all });
}
