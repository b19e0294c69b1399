import type { ArchivePlan } from "../archive/plan.ts";
import type { StreamOptions } from "../archive/stream.ts";
import { basic } from "../content/basic_auth.ts";
import { checkLimits, checkMilliseconds } from "../content/check_numbers.ts";
import { parseUrl, transportText } from "../content/transport.ts";
import { quote } from "../errors.ts";
import { UploadError } from "../errors/remote.ts";
import { streamBody } from "./body.ts";
import { type Answer, send, STALL_TIMEOUT } from "./send.ts";

/** Headers that only the origin they were meant for gets. */
const SECRETS = ["authorization", "cookie", "proxy-authorization"];

/** How to upload. */
export interface UploadOptions extends Pick<StreamOptions, "onProgress" | "signal"> {
  /**
   * The HTTP method.
   * @default {"PUT"}
   */
  method?: string | undefined;
  /**
   * Further headers. A redirect to another origin is not shown `authorization`, `cookie` and
   * `proxy-authorization`; it is shown all others. `maxRedirects: 0` follows none.
   */
  headers?: RequestInit["headers"] | undefined;
  /**
   * How many redirects to follow.
   * @default {10}
   */
  maxRedirects?: number | undefined;
  /**
   * Milliseconds that the server may neither take a byte nor answer, before the upload fails.
   * @default {300000}
   */
  stallTimeout?: number | undefined;
  /**
   * Sends the requests. Your own gets the length as a header, and on the stream itself for workerd.
   * @default {node:http where the runtime has it, else fetch}
   */
  fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Uploads an archive in one request, its Content-Length known beforehand. A failure under way, such
 * as a corrupt blob, breaks the connection before the last byte: the server never has the whole.
 *
 * A redirect is followed by sending the archive again from its start: nothing of a plan is used up.
 * The answer's body is kept up to 64 KiB. Browsers stream uploads over HTTP/2 only.
 *
 * @throws {UploadError} where the answer is not a success, or none comes
 * @throws {ArchiveError} where the archive could not be read; it names the blob
 * @throws {TypeError | RangeError} where the URL is none, or an option is out of range
 *
 * @example
 * ```ts
 * import type { ArchivePlan } from "@oci/archive";
 * import { uploadArchive } from "@oci/archive/http";
 *
 * async function upload(plan: ArchivePlan, token: string) {
 *   await uploadArchive(plan, "https://files.example.com/app.tar", {
 *     headers: { authorization: `Bearer ${token}` },
 *     onProgress: ({ bytes, total }) => console.log(bytes, "of", total),
 *   });
 * }
 * console.log(upload.length); // 2
 * ```
 */
export async function uploadArchive(
  plan: ArchivePlan,
  url: string | URL,
  options: UploadOptions = {},
): Promise<Response> {
  checkLimits(options, { maxRedirects: 0 });
  checkMilliseconds(options, { stallTimeout: 1 });
  const { maxRedirects = 10 } = options;
  const headers = new Headers(options.headers);
  let target = parseUrl(url);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    moveCredentials(target, headers);
    const { status, headers: answered, body } = await uploadOnce(plan, target, headers, options);
    if (status >= 200 && status < 300) {
      const empty = status === 204 || status === 205;
      return new Response(empty ? null : body, { status, headers: answered });
    }
    const location = redirectOf(target, status, answered);
    if (!location) throw new UploadError(target, status, describe(status, body));
    if (location.origin !== target.origin) {
      for (const secret of SECRETS) headers.delete(secret);
    }
    target = location;
  }
  throw new UploadError(target, undefined, `more than ${maxRedirects} redirects`);
}

async function uploadOnce(
  plan: ArchivePlan,
  url: URL,
  given: Headers,
  { method = "PUT", stallTimeout = STALL_TIMEOUT, signal, onProgress, fetch }: UploadOptions,
): Promise<Answer> {
  const headers = new Headers(given);
  if (!headers.has("content-type")) headers.set("content-type", "application/x-tar");
  headers.set("content-length", String(plan.size));
  signal?.throwIfAborted();
  let sent = 0;
  let failure: { error: unknown } | undefined;
  const body = streamBody(plan, [{ start: 0, end: plan.size }], {
    onError: (error) => failure = { error },
    onProgress(progress) {
      sent = progress.bytes;
      onProgress?.(progress);
    },
  });
  try {
    const answer = await send(url, { method, headers, body, signal, stallTimeout }, fetch);
    if (answer.status >= 200 && answer.status < 300 && sent < plan.size) {
      throw new UploadError(url, answer.status, `answered after ${sent} of ${plan.size} bytes`);
    }
    return answer;
  } catch (error) {
    // What the runtime makes of a failing body does not name the blob.
    if (failure) throw failure.error;
    signal?.throwIfAborted();
    if (error instanceof UploadError) throw error;
    const why = transportText(error);
    throw new UploadError(url, undefined, why, { cause: new Error(why) });
  }
}

/** Where a redirect leads; undefined where it is none that could be followed. */
function redirectOf(from: URL, status: number, headers: Headers): URL | undefined {
  const location = headers.get("location");
  if (![301, 302, 307, 308].includes(status) || location === null) return undefined;
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (to?.protocol !== "https:" && to?.protocol !== "http:") {
    throw new UploadError(from, status, "it redirects to something that is no http(s) URL");
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw new UploadError(from, status, `it redirects from https to http, to ${to.host}`);
  }
  return to;
}

/** Makes a header of a URL's user name and password, which fetch refuses. */
function moveCredentials(url: URL, headers: Headers): void {
  const { username, password } = url;
  if (username === "" && password === "") return;
  let authorization: string;
  try {
    authorization = basic(decodeURIComponent(username), decodeURIComponent(password));
  } catch {
    const why = "the URL's user name or password has a broken escape; write % as %25";
    throw new UploadError(url, undefined, why);
  }
  if (!headers.has("authorization")) headers.set("authorization", authorization);
  url.username = "";
  url.password = "";
}

function describe(status: number, body: Uint8Array): string {
  if (status === 0) return "it redirects, and browsers do not tell where; give the final URL";
  const text = new TextDecoder().decode(body).trim();
  return `the answer was ${status}${text === "" ? "" : ` ${quote(text)}`}`;
}
