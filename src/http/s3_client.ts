import { AwsV4Signer } from "aws4fetch";
import { pullStream } from "../archive/pull_stream.ts";
import { abortable } from "../content/abortable.ts";
import { Exchange } from "../content/exchange.ts";
import { transportText } from "../content/transport.ts";
import { quote } from "../errors.ts";
import { UploadError } from "../errors/remote.ts";
import { nodeHttp } from "./node_http.ts";
import { send, STALL_TIMEOUT } from "./send.ts";

/** Whose name requests are signed in. */
export interface S3Credentials {
  /** The key's name. */
  accessKeyId: string;
  /** The key itself; it never leaves this machine. */
  secretAccessKey: string;
  /** Of temporary credentials. */
  sessionToken?: string | undefined;
}

/** How to talk to S3. */
export interface S3ClientOptions {
  /** Whose name requests are signed in. */
  credentials: S3Credentials;
  /**
   * Where the bucket is.
   * @default {as the URL's host tells, else us-east-1}
   */
  region?: string | undefined;
  /**
   * Attempts of one request that may fail in a way that may pass, before the upload fails.
   * @default {6}
   */
  maxAttempts?: number | undefined;
  /**
   * Milliseconds to wait behind the first failure; doubled behind each further one.
   * @default {200}
   */
  minDelay?: number | undefined;
  /**
   * Milliseconds that the server may neither take a byte nor answer, before the attempt has failed.
   * Not of parts that your own `fetch` sends, or a browser's: it does not tell how far it is.
   * @default {300000}
   */
  stallTimeout?: number | undefined;
  /**
   * Sends the requests.
   * @default {fetch, and node:http for parts where the runtime has it}
   */
  fetch?: typeof globalThis.fetch | undefined;
}

/** One request about an object. */
export interface S3Request {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  query?: Record<string, string> | undefined;
  headers?: Record<string, string> | undefined;
  body?: Uint8Array<ArrayBuffer> | undefined;
  /** The body's SHA-256 in hex. */
  sha256?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** What S3 answered to a request that it granted. */
export interface S3Answer {
  headers: Headers;
  /** XML, mostly. */
  text: string;
}

/** An answer that refuses, with S3's own word for why. */
export class S3Refusal extends UploadError {
  /** Such as `NoSuchUpload`. */
  readonly code: string | undefined;
  constructor(url: URL, status: number, text: string) {
    const code = xmlText(text, "Code");
    const message = xmlText(text, "Message");
    const why = [code, message && quote(message)].filter(Boolean).join(" ");
    super(url, status, `the answer was ${status}${why && ` ${why}`}`);
    this.code = code;
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
    const { maxAttempts = 6, minDelay = 200 } = this.#options;
    const { signal } = request;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#once(request);
      } catch (error) {
        signal?.throwIfAborted();
        const isFinal = error instanceof S3Refusal && !mayPass(error);
        if (isFinal || attempt >= maxAttempts) throw error;
      }
      // Not all parts at the same moment again.
      const wait = minDelay * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      await abortable(new Promise((resolve) => setTimeout(resolve, wait)), signal);
    }
  }

  async #once(request: S3Request): Promise<S3Answer> {
    const { method, query = {}, sha256 = EMPTY_SHA256 } = request;
    const url = new URL(this.#url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { credentials, region } = this.#options;
    const signed = await new AwsV4Signer({
      ...credentials,
      region,
      service: "s3",
      method,
      url: url.href,
      // Signed, so that the server itself refuses a body that was damaged on the way.
      headers: { ...request.headers, "x-amz-content-sha256": sha256 },
    }).sign();
    const { status, headers, text } = await this.#send(signed, request).catch((error) => {
      const why = transportText(error);
      throw new UploadError(url, undefined, why, { cause: new Error(why) });
    });
    // The end of a multipart upload may fail after a status of 200 has been sent.
    if (status < 200 || status > 299 || xmlText(text, "Error") !== undefined) {
      throw new S3Refusal(url, status, text);
    }
    return { headers, text };
  }

  async #send(
    { url, headers }: { url: URL; headers: Headers },
    { method, body, signal }: S3Request,
  ): Promise<{ status: number; headers: Headers; text: string }> {
    const { fetch, stallTimeout = STALL_TIMEOUT } = this.#options;
    if (body && !fetch && nodeHttp(url.protocol)) {
      // Node's fetch and Deno's would take copies of the part.
      headers.set("content-length", String(body.length));
      const sending = { method, headers, body: slices(body), signal, stallTimeout };
      const answer = await send(url, sending);
      return { ...answer, text: new TextDecoder().decode(answer.body) };
    }
    const exchange = new Exchange(signal);
    const patience = body ? Infinity : stallTimeout;
    try {
      const init = { method, headers, body, signal: exchange.signal };
      const response = await exchange.wait((fetch ?? globalThis.fetch)(url, init), patience);
      const { status } = response;
      return {
        status,
        headers: response.headers,
        text: await exchange.wait(response.text(), stallTimeout),
      };
    } finally {
      exchange.close();
    }
  }
}

/** Bytes as a stream, not copied. */
function slices(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const size = 256 << 10;
  return pullStream(async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  });
}

function mayPass({ status = 0, code = "" }: S3Refusal): boolean {
  return status >= 500 || status === 408 || status === 429 || PASSING.has(code);
}

/** The text of the first element of this name. */
export function xmlText(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^]*?)</${element}>`).exec(xml)?.[1];
  return text?.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(quot|lt|gt|amp|apos));/g, character);
}

const NAMED: Record<string, string> = { quot: '"', lt: "<", gt: ">", amp: "&", apos: "'" };

/** What an XML reference stands for; of one that stands for nothing, U+FFFD. */
function character(_: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return NAMED[name]!;
  const point = decimal === undefined ? parseInt(hex!, 16) : Number(decimal);
  return point > 0x10ffff ? "\ufffd" : String.fromCodePoint(point);
}

/** Text as the content of an element. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
