import type { Exchange } from "../../content/exchange.ts";
import { concat } from "../../content/concat.ts";
import { LimitError } from "../../errors.ts";
import { transportError } from "./transport_error.ts";

/** A server's answer, whose body is read with an eye on the clock. */
export class Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from, behind all redirects. */
  readonly url: URL;
  /** Whether a redirect led away from the origin that was asked, even if back again; or may have. */
  readonly isElsewhere: boolean;
  #exchange: Exchange;
  #patience: () => number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(
    response: Response,
    from: { url: URL; isElsewhere: boolean; exchange: Exchange; patience: () => number },
  ) {
    this.status = response.status;
    this.headers = response.headers;
    this.url = from.url;
    this.isElsewhere = from.isElsewhere;
    this.#exchange = from.exchange;
    this.#patience = from.patience;
    this.#reader = response.body?.getReader();
  }

  /** Bytes of the body by its header; undefined where that cannot be known. */
  get length(): number | undefined {
    // The runtime has decoded the body: its length is that of what nobody sees.
    if (this.isEncoded) return undefined;
    const header = this.headers.get("content-length");
    return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  }

  /** Whether the server compressed the body although it was asked not to. */
  get isEncoded(): boolean {
    return !["", "identity"].includes(this.headers.get("content-encoding") ?? "");
  }

  /**
   * The body's next bytes; undefined at its end.
   * @throws {Transient} where it breaks off or stalls
   */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#reader) return undefined;
    try {
      const { done, value } = await this.#exchange.wait(this.#reader.read(), this.#patience());
      if (!done) return value;
      this.#exchange.close();
    } catch (error) {
      this.close();
      throw transportError(this.url, error);
    }
  }

  /**
   * The whole body.
   * @param limit the option that bounds it, and its value in bytes
   * @throws {LimitError}
   */
  async bytes([limit, max]: [name: string, max: number]): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let chunk = await this.read(); chunk; chunk = await this.read()) {
      size += chunk.length;
      if (size > max) {
        this.close();
        throw new LimitError(`an answer of ${this.url.host}`, limit, max);
      }
      chunks.push(chunk);
    }
    return concat(chunks, size);
  }

  /** Reads the rest where it is short, so that the connection can be used again. */
  async finish(): Promise<void> {
    await this.bytes(["answer to throw away", 64 << 10]).catch(() => {});
  }

  /** Ends the exchange; what is left of the body is not read. */
  close(): void {
    // Not every runtime closes the connection for a cancelled body alone.
    this.#reader?.cancel().catch(() => {});
    this.#exchange.abort();
  }
}
