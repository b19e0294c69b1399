/** A URL for people: its query may be a signature, its user a password. */
export function plainUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/**
 * What a caller gave as a URL.
 *
 * @throws {TypeError} where it is none, without its text: the runtime's own error would show that
 */
export function parseUrl(url: string | URL): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new TypeError("Cannot use the URL that was given: expected one such as https://HOST/PATH");
}

/**
 * What went wrong below HTTP: a failure of `fetch`, or of a body. Without secrets, where the runtime's
 * own error names the whole URL: that must not become a cause.
 */
export function transportText(error: unknown): string {
  const texts: string[] = [];
  for (let e = error; e instanceof Error && texts.length < 5; e = e.cause) {
    const { code } = e as { code?: unknown };
    texts.push(withoutQueries(typeof code === "string" ? `${e.message} (${code})` : e.message));
  }
  return texts.join(": ") || "the connection failed";
}

/** Cuts the query, the fragment and the user out of every URL in a text. */
function withoutQueries(text: string): string {
  return text.slice(0, 2000)
    .replace(/[?#][^\s)"'>]*/g, "")
    .replace(/:\/\/[^\s/@]*@/g, "://");
}
