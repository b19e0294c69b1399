/// <reference lib="dom" />

/** What the page shows: kept in the address, so that a link leads to it. */
export interface Selection {
  /** The image's name. */
  name: string;
  /** The export options. */
  query: URLSearchParams;
}

/** The selection of an address's fragment: `#/alpine%3A3.20?platform=linux/arm64`. */
export function parseFragment(fragment: string): Selection | undefined {
  const [, encoded, query] = /^#\/([^?]+)(?:\?(.*))?$/.exec(fragment) ?? [];
  if (!encoded) return undefined;
  try {
    return { name: decodeURIComponent(encoded), query: new URLSearchParams(query) };
  } catch {
    return undefined;
  }
}

/** The fragment that leads to a selection. */
export function formatFragment(name: string, query?: URLSearchParams): string {
  return `#/${encodeURIComponent(name)}${query?.size ? `?${query}` : ""}`;
}
