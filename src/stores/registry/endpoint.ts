import { InvalidReferenceError, quote } from "../../errors.ts";
import { formatReference, type Reference } from "../../oci/reference.ts";

/** Where a repository is served. */
export interface Endpoint {
  /** The registry as people name it, for credentials: `docker.io`, `localhost:5000`. */
  host: string;
  /** Where its API begins for this repository: `https://registry-1.docker.io/v2/library/alpine/`. */
  base: URL;
  /** The repository in it, for the scope of tokens. */
  repository: string;
}

/** `docker.io` is a name for people; this host has the API. */
const DOCKER_HUB_HOST = "registry-1.docker.io";

/** How to reach a registry. */
export interface EndpointOptions {
  /**
   * Speak plain http to the registry. Anyone on the way can read and change it; blobs are verified,
   * what a tag points at is not.
   * @default {true for localhost and loopback addresses}
   */
  plainHttp?: boolean | undefined;
}

/**
 * The registry of a reference.
 *
 * @throws {InvalidReferenceError} where its host can stand in no URL: `999.1.1.1`, a port of 99999
 */
export function endpointOf(
  reference: Reference,
  { plainHttp }: EndpointOptions = {},
): Endpoint {
  const { domain, path } = reference;
  const host = domain === "docker.io" ? DOCKER_HUB_HOST : domain;
  if (!URL.canParse(`http://${host}`)) {
    throw new InvalidReferenceError(
      formatReference(reference),
      `no URL can have its registry ${quote(domain)}; check the host and the port`,
    );
  }
  const isPlain = plainHttp ?? isLoopback(new URL(`http://${host}`).hostname);
  return {
    host: domain,
    base: new URL(`${isPlain ? "http" : "https"}://${host}/v2/${path}/`),
    repository: path,
  };
}

/**
 * The same repository at a mirror.
 *
 * @param mirror `host[:port][/prefix]`, with `http://` or `https://` before it where that matters
 * @throws {TypeError} where it is something else
 */
export function mirrorOf({ path }: Reference, mirror: string): Endpoint {
  const [, scheme, host, prefix = ""] =
    /^(https?:\/\/)?([^/?#@\s]+)((?:\/[^/?#@\s]+)*)\/?$/.exec(mirror) ?? [];
  if (host === undefined || !URL.canParse(`http://${host}`)) {
    throw new TypeError(
      "Cannot use a mirror: expected host[:port][/prefix], without user or query",
    );
  }
  const repository = `${prefix.slice(1)}${prefix ? "/" : ""}${path}`;
  const isPlain = scheme ? scheme === "http://" : isLoopback(new URL(`http://${host}`).hostname);
  return {
    host,
    base: new URL(`${isPlain ? "http" : "https"}://${host}/v2/${repository}/`),
    repository,
  };
}

/** Whether a URL's hostname can only be this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
