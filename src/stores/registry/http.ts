import { Exchange } from "../../content/exchange.ts";
import { plainUrl } from "../../content/transport.ts";
import { RegistryError } from "../../errors/remote.ts";
import type { StoreOptions } from "../../content/store.ts";
import { Answer } from "./answer.ts";
import type { Attempts } from "./attempts.ts";
import { transportError } from "./transport_error.ts";

/** How to speak HTTP. */
export interface HttpOptions {
  /**
   * The `fetch` to use, for proxies, certificates, or tests.
   * @default {globalThis.fetch}
   */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /**
   * Milliseconds without a byte behind which an exchange counts as broken.
   * @default {30000}
   */
  stallTimeout?: number | undefined;
  /**
   * How many redirects to follow.
   * @default {10}
   */
  maxRedirects?: number | undefined;
}

/** A request, before any redirect. */
export interface HttpRequest {
  url: URL;
  method: "GET" | "HEAD" | "POST";
  headers: Record<string, string>;
  /** A form; it may hold credentials, so it is never sent on. */
  body?: string | undefined;
  /** The `Authorization` header, for this URL's origin and no other. */
  authorization?: string | undefined;
}

const MAX_REDIRECT_BODY = 64 << 10;

/** Sends one request over `fetch` and follows redirects by hand, so that credentials stay at home. */
export class Http {
  #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * @throws {Transient} where no answer came
   * @throws {RegistryError} where the redirects lead nowhere
   */
  async send(
    request: HttpRequest,
    { attempts, signal }: StoreOptions & { attempts: Attempts },
  ): Promise<Answer> {
    const { stallTimeout = 30_000, maxRedirects = 10 } = this.#options;
    const patience = () => Math.max(Math.min(stallTimeout, attempts.left), 0);
    const exchange = new Exchange(signal);
    let { url, authorization } = request;
    // Once elsewhere, always elsewhere: where it leads home again, somebody else has chosen the path.
    let isElsewhere = false;
    try {
      for (let hops = 0; hops <= maxRedirects; hops++) {
        const response = await exchange.wait(
          this.#fetch(url, { ...request, authorization }, exchange.signal),
          patience(),
        );
        if (response.redirected) {
          // By whom it came here fetch does not tell.
          isElsewhere = true;
          if (URL.canParse(response.url)) url = new URL(response.url);
        }
        if (!isRedirect(response) || request.body !== undefined) {
          return new Answer(response, { url, isElsewhere, exchange, patience });
        }
        if (response.body) await drain(response.body, exchange, patience());
        url = target(url, response.headers.get("location"));
        isElsewhere ||= url.origin !== request.url.origin;
        if (isElsewhere) authorization = undefined;
      }
      throw new RegistryError(plainUrl(url), `more than ${maxRedirects} redirects led here`);
    } catch (error) {
      exchange.close();
      signal?.throwIfAborted();
      throw error instanceof RegistryError ? error : transportError(url, error);
    }
  }

  async #fetch(url: URL, request: HttpRequest, signal: AbortSignal): Promise<Response> {
    const { fetch = globalThis.fetch } = this.#options;
    const { method, body, authorization } = request;
    // Compressed on the way, neither lengths nor ranges would be those of the blob.
    const headers: Record<string, string> = { ...request.headers, "accept-encoding": "identity" };
    if (authorization !== undefined) headers.authorization = authorization;
    const init: RequestInit = { method, headers, body, redirect: "manual", signal };
    const response = await fetch(url.href, init);
    if (response.type !== "opaqueredirect") return response;
    // A browser shows no redirect; it drops Authorization by itself where one leads elsewhere.
    return await fetch(url.href, { ...init, redirect: body === undefined ? "follow" : "error" });
  }
}

function isRedirect({ status, headers }: Response): boolean {
  return [301, 302, 303, 307, 308].includes(status) && headers.has("location");
}

/** Reads what stands in a redirect, so that its connection can be used again. */
async function drain(
  body: ReadableStream<Uint8Array>,
  exchange: Exchange,
  patience: number,
): Promise<void> {
  const reader = body.getReader();
  for (let size = 0; size < MAX_REDIRECT_BODY;) {
    const { done, value } = await exchange.wait(reader.read(), patience);
    if (done) return;
    size += value.length;
  }
  reader.cancel().catch(() => {});
}

function target(from: URL, location: string | null): URL {
  const url = location !== null && location.length < 16 << 10 && URL.canParse(location, from.href)
    ? new URL(location, from)
    : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw new RegistryError(plainUrl(from), "it redirects to something that is no http(s) URL");
  }
  // A signed URL is a credential too.
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw new RegistryError(plainUrl(from), `it redirects from https to http, to ${url.host}`);
  }
  url.username = url.password = url.hash = "";
  return url;
}
