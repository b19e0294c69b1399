/** Far above any real header. */
const MAX_LENGTH = 16 << 10;
const LINK = /<([^>]*)>((?:[^,"]|"[^"]*")*)/g;
const NEXT = /;\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")/i;

/**
 * The target of a `Link` header with `rel="next"`, as it stands there.
 *
 * Source: [RFC 8288, section 3](https://www.rfc-editor.org/rfc/rfc8288#section-3).
 */
export function nextLink(header: string | null): string | undefined {
  if (header === null || header.length > MAX_LENGTH) return undefined;
  for (const [, target, parameters] of header.matchAll(LINK)) {
    if (NEXT.test(parameters!)) return target;
  }
  return undefined;
}
