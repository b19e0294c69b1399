/**
 * The errors of what lies behind a network or a socket: uploads, registries, containerd. They are
 * exported beside those of `errors.ts`.
 *
 * @module
 */
import { ArchiveError } from "../errors.ts";

/** An upload that did not arrive. */
export class UploadError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "UploadError";
  /** Where to, without credentials and without the query, which may be a signature. */
  readonly url: string;
  /** The HTTP status of the answer; undefined where none came. */
  readonly status: number | undefined;
  /** Says why; of the URL only origin and path are kept. */
  constructor(url: string | URL, status: number | undefined, why: string, options?: ErrorOptions) {
    const { origin, pathname } = new URL(url);
    super(`Cannot upload to ${origin}${pathname}: ${why}`, options);
    this.url = `${origin}${pathname}`;
    this.status = status;
  }
}

/** What a registry's error has beside its message. */
export interface RegistryErrorOptions extends ErrorOptions {
  /** The HTTP status; none where no answer came. */
  status?: number | undefined;
  /** The registry's own code: [distribution spec, "Error Codes"](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes). */
  code?: string | undefined;
}

/** A registry that cannot be reached, refuses, or answers against the protocol. */
export class RegistryError extends ArchiveError {
  /** Its name, a literal; its subclass has its own. */
  override readonly name: "RegistryError" | "RegistryAuthError" = "RegistryError";
  /** What was asked for, without query and user. */
  readonly url: string;
  /** The HTTP status; undefined where no answer came, or where it is we who refuse. */
  readonly status: number | undefined;
  /** The registry's own code, such as `MANIFEST_UNKNOWN`. */
  readonly code: string | undefined;
  /** Says why; the URL is given without query and user. */
  constructor(url: string, why: string, options: RegistryErrorOptions = {}) {
    super(`Cannot get ${url}: ${why}`, options);
    this.url = url;
    this.status = options.status;
    this.code = options.code;
  }
}

/** A registry that wants other credentials, or to which they cannot be given safely. */
export class RegistryAuthError extends RegistryError {
  /** Its name, a literal. */
  override readonly name = "RegistryAuthError";
}

/** What containerd's error has beside its message. */
export interface ContainerdErrorOptions extends ErrorOptions {
  /** gRPC's name of it, such as `UNAVAILABLE`. */
  code: string;
}

/** A containerd that cannot be reached, or refuses. */
export class ContainerdError extends ArchiveError {
  /** Its name, a literal. */
  override readonly name = "ContainerdError";
  /** Where it listens. */
  readonly address: string;
  /** gRPC's name of the error, such as `UNAVAILABLE`: [gRPC, "Status codes"](https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
  readonly code: string;
  /** Says why, with the code of gRPC. */
  constructor(address: string, why: string, options: ContainerdErrorOptions) {
    super(`Cannot ask containerd at ${address}: ${why}`, options);
    this.address = address;
    this.code = options.code;
  }
}
