/** An answer in JSON. */
export function json(request: Request, value: unknown): Response {
  return content(request, "application/json", JSON.stringify(value));
}

/** An answer that is at hand, without its body where the request is a HEAD. */
export function content(request: Request, type: string, text: string): Response {
  const body = new TextEncoder().encode(text);
  return new Response(request.method === "HEAD" ? null : body, {
    headers: {
      "content-type": type,
      "content-length": String(body.length),
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    },
  });
}
