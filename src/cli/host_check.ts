import { quote } from "../errors.ts";
import { problemResponse } from "../http/problem.ts";

/**
 * What a server that only this machine can reach is asked by. Others are refused: a page elsewhere
 * may have bound its own name to this address, and could read what it answers (DNS rebinding).
 */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Makes a handler's `authorize`, which refuses requests for other hosts; undefined where the server
 * listens on an address that others can reach, by names that nobody here knows.
 *
 * @param address where the server listens
 * @param names further hosts
 */
export function hostCheck(
  address: string,
  names: readonly string[],
): ((request: Request) => Response | undefined) | undefined {
  if (!/^(?:(?:::ffff:)?127\.|::1$)/.test(address)) return undefined;
  const allowed = new Set([...LOOPBACK_NAMES, address, ...names].map(hostOf));
  return (request) => {
    const asked = request.headers.get("host") ?? "";
    const host = hostOf(asked);
    if (host !== undefined && allowed.has(host)) return undefined;
    const detail = `Host ${quote(asked)} is not served here; start with --allow-host ${
      host ?? "HOST"
    } if it should be`;
    return problemResponse({ status: 403, detail }, request);
  };
}

/** A host's name as URLs have it, without its port; undefined where it is none. */
export function hostOf(text: string): string | undefined {
  const host = /^[^[]*:.*:/.test(text) ? `[${text}]` : text;
  const url = `http://${host}/`;
  return /[\s/?#@]/.test(host) || !URL.canParse(url) ? undefined : new URL(url).hostname;
}
