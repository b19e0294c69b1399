/**
 * Conditional requests: [RFC 9110, section 13](https://www.rfc-editor.org/rfc/rfc9110#section-13).
 * An archive has an entity tag and no date of change, so conditions by date never count.
 *
 * @module
 */

/** What the conditions leave to do: `ok` is to go on, the numbers are the status to answer. */
export type Precondition = "ok" | 304 | 412;

/** Judges `If-Match`, then `If-None-Match`, in the order of section 13.2.2; for GET and HEAD. */
export function checkPreconditions(headers: Headers, etag: string): Precondition {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null && !matches(ifMatch, etag, "strong")) return 412;
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null && matches(ifNoneMatch, etag, "weak")) return 304;
  return "ok";
}

/** Whether `Range` counts: it does without `If-Range`, or where that names this very archive. */
export function rangeCounts(headers: Headers, etag: string): boolean {
  const ifRange = headers.get("if-range");
  return ifRange === null || ifRange.trim() === etag;
}

const ENTITY_TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

/** Strong comparison refuses weak tags, weak comparison overlooks the mark: section 8.8.3.2. */
function matches(list: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (list.trim() === "*") return true;
  return [...list.matchAll(ENTITY_TAG)].some(([, weak, tag]) =>
    tag === etag && (weak === undefined || comparison === "weak")
  );
}
