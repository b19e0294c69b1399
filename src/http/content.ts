import { createDigester } from "../content/digester.ts";
import { checkPreconditions } from "./conditional.ts";
import { problemResponse } from "./problem.ts";

/** An answer in JSON. */
export function json(request: Request, value: unknown): Promise<Response> {
  return content(request, "application/json", JSON.stringify(value));
}

/**
 * An answer that is at hand, under its hash as ETag; without its body where the request is a HEAD,
 * or the client has it already.
 */
export async function content(request: Request, type: string, text: string): Promise<Response> {
  const body = new TextEncoder().encode(text);
  const digester = await createDigester("sha256");
  await digester.update(body);
  const etag = `"${await digester.digest()}"`;
  const headers = new Headers({
    etag,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  });
  const condition = checkPreconditions(request.headers, etag);
  if (condition === 304) return new Response(null, { status: 304, headers });
  if (condition === 412) {
    return problemResponse({ status: 412, detail: `The ETag is ${etag} by now` }, request, headers);
  }
  headers.set("content-type", type);
  headers.set("content-length", String(body.length));
  return new Response(request.method === "HEAD" ? null : body, { headers });
}
