/**
 * Image names, by two rules that disagree: containerd's, which cuts the reference name out of a
 * URL, and Docker's (github.com/distribution/reference), which knows of familiar names.
 *
 * @module
 */
import { InvalidReferenceError } from "../errors.ts";
import { parseDigest } from "./digest.ts";
import { decodeUtf8 } from "./utf8.ts";

/** An image name in its parts, after Docker's normalisation. */
export interface Reference {
  /** The registry, such as `docker.io` or `localhost:5000`; empty in names like `r_x.y/z`. */
  domain: string;
  /** The repository in it, such as `library/alpine`. */
  path: string;
  /** The tag; none where only a digest was given, or nothing. */
  tag?: string;
  /** The digest. */
  digest?: string;
}

const DOMAIN_COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const REFERENCE = new RegExp(
  `^(?:(${DOMAIN})/)?(${PATH_COMPONENT}(?:/${PATH_COMPONENT})*)` +
    "(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?" +
    "(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$",
);
/** A scheme and a user, which names do not have. */
const URL_START = /^([a-z]+:\/\/)?([^/]*@(?=[^/]*\/))?/i;
// Far above any name there is: 255 of path, 128 of tag, 253 of domain and a digest.
const MAX_LENGTH = 1024;

/**
 * Reads an image name as people type it, by Docker's rules: `alpine` is
 * `docker.io/library/alpine`. No tag is added.
 *
 * @throws {InvalidReferenceError}
 *
 * @example
 * ```ts
 * import { parseReference } from "@oci/archive";
 *
 * console.log(parseReference("alpine:3.20"));
 * // { domain: "docker.io", path: "library/alpine", tag: "3.20" }
 * ```
 */
export function parseReference(name: string): Reference {
  if (/^[a-f0-9]{64}$/.test(name)) {
    throw new InvalidReferenceError(name, "64 hex digits are an identifier, not a name");
  }
  const [domain, remainder] = splitDomain(name);
  const full = `${domain}/${remainder}`;
  const match = full.length > MAX_LENGTH ? null : REFERENCE.exec(full);
  if (!match) {
    throw new InvalidReferenceError(withoutSecrets(name), whyNot(name, remainder));
  }
  const [, host = "", path = "", tag, digest] = match;
  if (path.length > 255) {
    throw new InvalidReferenceError(name, "the repository must not exceed 255 characters");
  }
  try {
    if (digest !== undefined) parseDigest(digest);
  } catch (error) {
    throw new InvalidReferenceError(name, (error as Error).message);
  }
  return { domain: host, path, ...(tag && { tag }), ...(digest && { digest }) };
}

function whyNot(name: string, remainder: string): string {
  const expected = "expected [host[:port]/]path[:tag][@digest]";
  const [, scheme, user] = URL_START.exec(name)!;
  const surplus = [scheme, user && "a user"].filter(Boolean).join(" and ");
  if (surplus !== "") return `${expected}, without ${surplus}`;
  const repository = remainder.split(/[:@]/, 1)[0]!;
  return repository === repository.toLowerCase()
    ? expected
    : "the repository must be in lower case";
}

/** What is no name may be a URL: its user may be a password, its query a signature. */
function withoutSecrets(name: string): string {
  return name.replace(/[?#].*/s, "").replace(URL_START, "$1");
}

function splitDomain(name: string): [domain: string, remainder: string] {
  const slash = name.indexOf("/");
  const first = name.slice(0, slash);
  if (slash >= 0) {
    const rest = name.slice(slash + 1);
    if (first === "docker.io" || first === "index.docker.io") {
      return ["docker.io", rest.includes("/") ? rest : `library/${rest}`];
    }
    if (first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase()) {
      return [first, rest];
    }
    return ["docker.io", name];
  }
  return ["docker.io", `library/${name}`];
}

/**
 * Writes a reference in full.
 *
 * @example
 * ```ts
 * import { formatReference, parseReference } from "@oci/archive";
 *
 * console.log(formatReference(parseReference("alpine:3.20"))); // docker.io/library/alpine:3.20
 * ```
 */
export function formatReference({ domain, path, tag, digest }: Reference): string {
  const name = domain === "" ? path : `${domain}/${path}`;
  return `${name}${tag ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`;
}

/**
 * The name as Docker shows it, for `RepoTags` in manifest.json: without `docker.io/` and
 * `library/`, and with `:latest` where there is neither tag nor digest.
 *
 * @throws {InvalidReferenceError}
 *
 * @example
 * ```ts
 * import { familiarName } from "@oci/archive";
 *
 * console.log(familiarName("docker.io/library/alpine")); // alpine:latest
 * ```
 */
export function familiarName(name: string): string {
  const { domain, path, tag, digest } = parseReference(name);
  const isHub = domain === "docker.io";
  return formatReference({
    domain: isHub ? "" : domain,
    path: isHub && /^library\/[^/]+$/.test(path) ? path.slice("library/".length) : path,
    tag: tag === undefined && digest === undefined ? "latest" : tag,
    digest,
  });
}

/**
 * The reference name that containerd puts beside an image's full name in index.json: the tag, or the
 * tag and digest, or the whole name where there is no tag.
 *
 * @example
 * ```ts
 * import { referenceName } from "@oci/archive";
 *
 * console.log(referenceName("docker.io/library/alpine:3.18")); // 3.18
 * console.log(referenceName("alpine:latest")); // alpine:latest
 * ```
 */
export function referenceName(name: string): string {
  const path = urlPath(name);
  const at = path?.search(/[:@]/) ?? -1;
  if (path === undefined || at < 0) return name;
  const object = path[at] === ":" ? path.slice(at + 1) : path.slice(at);
  return object === "" || object.startsWith("@") ? name : object;
}

/**
 * The decoded path of `dummy://<name>` by the rules of Go's net/url; undefined where Go finds an
 * error or no host. The web's URL is of no use here: it mends what Go refuses.
 */
function urlPath(name: string): string | undefined {
  // deno-lint-ignore no-control-regex
  if (name.includes("://") || /[\x00-\x1f\x7f]/.test(name)) return undefined;
  const hash = name.indexOf("#");
  const [beforeHash, fragment] = hash < 0
    ? [name, ""]
    : [name.slice(0, hash), name.slice(hash + 1)];
  const url = beforeHash.split("?", 1)[0]!;
  const slash = url.indexOf("/");
  const authority = slash < 0 ? url : url.slice(0, slash);
  const at = authority.lastIndexOf("@");
  if (
    at >= 0 && !/^(?:[A-Za-z0-9\-._:~!$&'()*+,;=@]|%[0-9a-fA-F]{2})*$/.test(authority.slice(0, at))
  ) {
    return undefined;
  }
  if (!isGoHost(authority.slice(at + 1)) || unescape(fragment) === undefined) return undefined;
  return slash < 0 ? "" : unescape(url.slice(slash));
}

function isGoHost(host: string): boolean {
  const bracketed = /^\[([0-9a-fA-F:.]+)(?:%25[^\]]+)?\](?::[0-9]*)?$/.exec(host);
  if (bracketed) return isIpv6(bracketed[1]!);
  const colon = host.lastIndexOf(":");
  if (colon >= 0 && !/^:[0-9]*$/.test(host.slice(colon))) return false;
  // deno-lint-ignore no-control-regex
  return /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:<>"]|[^\x00-\x7f]|%[89a-fA-F][0-9a-fA-F]|%25)+$/
    .test(host);
}

function isIpv6(address: string): boolean {
  try {
    return new URL(`http://[${address}]`).hostname !== "";
  } catch {
    return false;
  }
}

/** Undoes % escapes; undefined where one is broken. Bytes that are no UTF-8 become U+FFFD. */
function unescape(text: string): string | undefined {
  if (!text.includes("%")) return text;
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes: number[] = [];
  for (const [, hex, plain] of text.matchAll(/%(..)|([^%]+)/g)) {
    if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else bytes.push(...new TextEncoder().encode(plain));
  }
  return decodeUtf8(new Uint8Array(bytes));
}
