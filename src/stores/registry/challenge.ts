/** One way to authenticate that a server offers. */
export interface Challenge {
  /** The scheme in lower case: `basic`, `bearer`. */
  scheme: string;
  /** The parameters, names in lower case. */
  parameters: Map<string, string>;
}

/** Far above any real header; fetch joins several headers into one. */
const MAX_LENGTH = 16 << 10;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/y;

/**
 * Reads a `WWW-Authenticate` header: challenges with parameters, with a token68, or bare, in one
 * header or joined from several. What breaks the grammar ends the reading; what came before counts.
 *
 * Source: [RFC 9110, section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1).
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  if (header.length > MAX_LENGTH) return challenges;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match ?? undefined;
  };
  while (at < header.length) {
    take(SPACE);
    if (header[at] === ",") {
      at++;
      continue;
    }
    const name = take(TOKEN)?.[0].toLowerCase();
    if (name === undefined) break;
    const behindName = at;
    take(SPACE);
    if (header[at] === "=" && challenges.length > 0) {
      at++;
      take(SPACE);
      const value = take(QUOTED)?.[1]?.replace(/\\([^])/g, "$1") ?? take(TOKEN)?.[0];
      if (value === undefined) break;
      // A name twice is an error; the first one stands.
      const { parameters } = challenges.at(-1)!;
      if (!parameters.has(name)) parameters.set(name, value);
    } else {
      challenges.push({ scheme: name, parameters: new Map() });
      // A token68 stands alone behind a space; a parameter's name is followed by "=".
      if (at > behindName) take(TOKEN68);
    }
  }
  return challenges;
}
