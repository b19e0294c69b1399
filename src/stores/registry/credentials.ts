import type { StoreOptions } from "../../content/store.ts";

/** Who we are to a registry. */
export interface Credentials {
  /** The user, with a password. */
  username?: string | undefined;
  /** The password, or an access token in its place. */
  password?: string | undefined;
  /** A refresh token, as `docker login` keeps it; it comes before user and password. */
  identityToken?: string | undefined;
  /** A bearer token for the registry itself, sent as it is. */
  registryToken?: string | undefined;
}

/**
 * Finds the credentials for a registry, asked for by the name that stands in references: `ghcr.io`,
 * `localhost:5000`, and `docker.io` for Docker Hub. Undefined means anonymous. The signal aborts when
 * none of the calls that need them waits any more.
 */
export type GetCredentials = (
  host: string,
  options: StoreOptions,
) => Credentials | undefined | Promise<Credentials | undefined>;

/**
 * Whether a token can stand in a header. One that cannot would make fetch throw, with the token in
 * its message.
 */
export function isBearerToken(text: unknown): text is string {
  return typeof text === "string" && /^[\x21-\x7e]+$/.test(text);
}

/** What of an `Authorization` header nobody may read: the credentials, and the password in them. */
export function secretsOf(authorization: string | undefined): string[] {
  const [, scheme, value] = /^(\S+) (.+)$/.exec(authorization ?? "") ?? [];
  if (value === undefined) return [];
  if (scheme !== "Basic") return [value];
  const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  return [value, text.slice(text.indexOf(":") + 1)];
}
