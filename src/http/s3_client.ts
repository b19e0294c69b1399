import { AwsV4Signer } from "aws4fetch";
import { abortable } from "../content/read.ts";
import { quote, UploadError } from "../errors.ts";

/** Whose name requests are signed in. */
export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials. */
  sessionToken?: string;
}

/** How to talk to S3. */
export interface S3ClientOptions {
  credentials: S3Credentials;
  /**
   * Where the bucket is.
   * @default {as the URL's host tells, else us-east-1}
   */
  region?: string;
  /**
   * How often to try a request again that failed in a way that may pass.
   * @default {5}
   */
  retries?: number;
  /**
   * Milliseconds before the first new try; each further one waits twice as long.
   * @default {200}
   */
  retryDelay?: number;
  /**
   * Sends the requests.
   * @default {globalThis.fetch}
   */
  fetch?: typeof globalThis.fetch;
}

/** One request about an object. */
export interface S3Request {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  /** The body's SHA-256 in hex. */
  sha256?: string;
  signal?: AbortSignal;
}

/** What S3 answered to a request that it granted. */
export interface S3Answer {
  headers: Headers;
  /** XML, mostly. */
  text: string;
  /** Which try it was, from 0. */
  tries: number;
}

/** An answer that refuses, with S3's own word for why. */
export class S3Refusal extends UploadError {
  /** Such as `NoSuchUpload`. */
  readonly code: string | undefined;
  readonly tries: number;
  constructor(url: URL, status: number, text: string, tries: number) {
    const code = xmlText(text, "Code");
    const message = xmlText(text, "Message");
    const why = [code, message && quote(message)].filter(Boolean).join(" ");
    super(url, status, `the answer was ${status}${why && ` ${why}`}`);
    this.code = code;
    this.tries = tries;
  }
}

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** Words for a request that may be granted when it is sent again. */
const PASSING = new Set(["BadDigest", "InternalError", "RequestTimeout", "SlowDown"]);

/** Sends signed requests about one object, again where they fail in a way that may pass. */
export class S3Client {
  #url: URL;
  #options: S3ClientOptions;

  constructor(url: string | URL, options: S3ClientOptions) {
    this.#url = new URL(url);
    // Servers read a plus in a path as it is, the signer as a space.
    this.#url.pathname = this.#url.pathname.replaceAll("+", "%2B");
    this.#options = options;
  }

  /**
   * @throws {S3Refusal} where the server refuses
   * @throws {UploadError} where it cannot be reached
   */
  async request(request: S3Request): Promise<S3Answer> {
    const { retries = 5, retryDelay = 200 } = this.#options;
    const { signal } = request;
    for (let tries = 0;; tries++) {
      try {
        return await this.#once(request, tries);
      } catch (error) {
        signal?.throwIfAborted();
        if (tries >= retries || (error instanceof S3Refusal && !mayPass(error))) throw error;
      }
      const wait = retryDelay * 2 ** tries;
      await abortable(new Promise((resolve) => setTimeout(resolve, wait)), signal);
    }
  }

  async #once(request: S3Request, tries: number): Promise<S3Answer> {
    const { method, query = {}, body, sha256 = EMPTY_SHA256, signal } = request;
    const url = new URL(this.#url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { credentials, region, fetch = globalThis.fetch } = this.#options;
    const signed = await new AwsV4Signer({
      ...credentials,
      region,
      service: "s3",
      method,
      url: url.href,
      // Signed, so that the server itself refuses a body that was damaged on the way.
      headers: { ...request.headers, "x-amz-content-sha256": sha256 },
    }).sign();
    let response: Response;
    let text: string;
    try {
      response = await fetch(signed.url, { method, headers: signed.headers, body, signal });
      text = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new UploadError(url, undefined, why, { cause });
    }
    // The end of a multipart upload may fail after a status of 200 has been sent.
    if (!response.ok || xmlText(text, "Error") !== undefined) {
      throw new S3Refusal(url, response.status, text, tries);
    }
    return { headers: response.headers, text, tries };
  }
}

function mayPass({ status = 0, code = "" }: S3Refusal): boolean {
  return status >= 500 || status === 408 || status === 429 || PASSING.has(code);
}

/** The text of the first element of this name. */
export function xmlText(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^]*?)</${element}>`).exec(xml)?.[1];
  return text?.replace(
    /&(?:quot|lt|gt|amp|apos);/g,
    (entity) => ({ "&quot;": '"', "&lt;": "<", "&gt;": ">", "&amp;": "&" })[entity] ?? "'",
  );
}

/** Text as the content of an element. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
