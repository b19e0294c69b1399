/**
 * A repository in a registry as a store: read lazily, several requests at a time, and through
 * broken connections. It stands on `fetch` alone.
 *
 * @module
 */

import { Limiter } from "../../content/limiter.ts";
import {
  BlobNotFoundError,
  InvalidReferenceError,
  quote,
  ReferenceNotFoundError,
} from "../../errors.ts";
import { RegistryError } from "../../errors/remote.ts";
import type {
  BlobBody,
  ContentStore,
  Existence,
  OpenOptions,
  Referrers,
  Resolver,
  StoreOptions,
} from "../../content/store.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { isDigest, parseDigest } from "../../oci/digest.ts";
import { isIndexType, isManifestType } from "../../oci/media_type.ts";
import { formatReference, parseReference, type Reference } from "../../oci/reference.ts";
import { acceptManifests } from "./accept.ts";
import { Allowance } from "./allowance.ts";
import { Attempts } from "./attempts.ts";
import { bodyStream } from "./body_stream.ts";
import { checkOptions } from "./check_options.ts";
import { Client, type ClientOptions } from "./client.ts";
import { listReferrers, listReferrersByTag } from "./referrers.ts";
import { resolveManifest } from "./resolve.ts";
import { ResumingBody } from "./resuming_body.ts";

export type { Retry, RetryOptions } from "./attempts.ts";
export type { ClientOptions } from "./client.ts";
export type { Credentials, GetCredentials } from "./credentials.ts";
export type { EndpointOptions } from "./endpoint.ts";
export type { HostOptions } from "./host.ts";
export type { HttpOptions } from "./http.ts";

/** How to read a registry. */
export interface RegistryOptions extends ClientOptions {
  /**
   * How many requests and bodies may wait for the network at a time: one limit for all that is read
   * through this store. A body that nobody reads does not count.
   * @default {8}
   */
  concurrency?: number | undefined;
  /**
   * How many blobs an archive's stream opens ahead of the one it reads.
   * @default {7}
   */
  lookAhead?: number | undefined;
  /**
   * Bytes that all open blobs together may hold in memory before somebody asks for them.
   * @default {8388608}
   */
  maxAhead?: number | undefined;
  /**
   * Bytes of one blob that may be read in vain, to go on where a server ignores `Range`.
   * @default {268435456}
   */
  maxDiscard?: number | undefined;
  /**
   * The most bytes of a manifest, or of a page of referrers.
   * @default {4194304}
   */
  maxManifestSize?: number | undefined;
}

/** Which referrers to list. */
export interface ReferrersOptions extends StoreOptions {
  /**
   * Only those of this artifact type.
   * @default {all}
   */
  artifactType?: string | undefined;
}

/**
 * A repository in a registry, by the pull half of the
 * [distribution spec](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md).
 *
 * Credentials go to the registry that they are for and to the token server it names over https, and
 * to nobody else. A blob that breaks off goes on from the byte it reached. What fails for good is a
 * `RegistryError` or a `RegistryAuthError`.
 *
 * @example
 * ```ts
 * import { exportArchive } from "@oci/archive";
 * import { RegistryStore } from "@oci/archive/registry";
 *
 * async function archiveOf(image: string): Promise<Response> {
 *   const store = new RegistryStore(image);
 *   const root = await store.resolve();
 *   return new Response(exportArchive(store, [{ descriptor: root, names: [store.name] }]));
 * }
 * console.log(typeof archiveOf); // function
 * ```
 */
export class RegistryStore implements ContentStore, Resolver, Referrers, Existence {
  /** How many blobs may be opened ahead of the one that is being read. */
  readonly lookAhead: number;
  #reference: Reference;
  #options: RegistryOptions;
  #client: Client;
  #limiter: Limiter;
  #allowance: Allowance;
  #hasReferrersApi = true;

  /**
   * A store over the repository of an image; it is not asked yet.
   *
   * @param image as people type it: `alpine`, `ghcr.io/org/app:1.2`, `localhost:5000/app@sha256:…`
   * @throws {InvalidReferenceError}
   * @throws {RangeError | TypeError} where an option is out of range
   */
  constructor(image: string, options: RegistryOptions = {}) {
    checkOptions(options);
    const { concurrency = 8, lookAhead = 7, maxAhead = 8 << 20 } = options;
    this.#reference = parseReference(image);
    this.#options = options;
    this.lookAhead = lookAhead;
    this.#limiter = new Limiter(concurrency);
    // Nobody opens ahead: then nobody reads ahead either.
    const ahead = lookAhead === 0 ? 0 : maxAhead;
    this.#allowance = new Allowance(ahead, Math.ceil(ahead / (lookAhead + 1)));
    this.#client = new Client(this.#reference, this.#limiter, options);
  }

  /** The image's full name: `docker.io/library/alpine:latest`. */
  get name(): string {
    return formatReference(withDefaultTag(this.#reference));
  }

  /** The repository in its registry: `library/alpine`. */
  get repository(): string {
    return this.#reference.path;
  }

  /**
   * The descriptor behind a tag, a digest, or a whole name in this repository.
   *
   * @param reference the constructor's own, or `latest`, where it is left out
   * @throws {ReferenceNotFoundError}
   * @throws {DigestMismatchError} where the registry answers with another digest than asked for
   */
  async resolve(reference?: string, { signal }: StoreOptions = {}): Promise<Descriptor> {
    const { tag, digest } = reference === undefined
      ? withDefaultTag(this.#reference)
      : this.#within(reference);
    const attempts = new Attempts(this.#options);
    const { maxManifestSize = 4 << 20 } = this.#options;
    try {
      const call = { attempts, signal, maxManifestSize };
      return await resolveManifest(this.#client, digest ?? tag!, call);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const why = `${this.#client.name} does not have it; check the name and the tag`;
      throw new ReferenceNotFoundError(digest ?? tag!, why, { cause: error });
    }
  }

  /**
   * Opens a blob or manifest, or a part of it. A stream goes on by itself where a connection breaks.
   *
   * @throws {BlobNotFoundError}
   * @throws {RegistryError | RegistryAuthError} where the registry refuses, or cannot be reached
   * @throws {SizeMismatchError} where it has another size for the blob; so may the stream, later
   */
  async open(descriptor: Descriptor, options: OpenOptions = {}): Promise<BlobBody> {
    const { signal } = options;
    const { size } = descriptor;
    const start = options.offset ?? 0;
    const end = Math.min(start + (options.length ?? Infinity), size);
    if (start > 0 ? start >= end : end === 0 && size > 0) {
      await this.#head(descriptor, { signal });
      return new Uint8Array();
    }
    const path = pathOf(descriptor);
    const attempts = new Attempts(this.#options);
    const body = new ResumingBody({
      descriptor,
      start,
      end,
      ask: (range, signal) => {
        const headers = { ...acceptOf(descriptor), ...(range && { range }) };
        return this.#client.request(path, { headers, attempts, signal });
      },
      attempts,
      limiter: this.#limiter,
      maxDiscard: this.#options.maxDiscard ?? 256 << 20,
    });
    try {
      await body.begin(signal);
    } catch (error) {
      throw this.#asBlobError(error, descriptor);
    }
    return bodyStream(body, { size: end - start, allowance: this.#allowance, signal });
  }

  /** Whether the registry has the blob or manifest. */
  async exists(descriptor: Descriptor, options: StoreOptions = {}): Promise<boolean> {
    try {
      await this.#head(descriptor, options);
      return true;
    } catch (error) {
      if (error instanceof BlobNotFoundError) return false;
      throw error;
    }
  }

  /**
   * The manifests that refer to this one: by the referrers API, and by the tag that stands in for it
   * where the registry does not have it.
   *
   * @throws {TypeError} where the artifact type is text that no URL can have
   */
  async referrers(subject: Descriptor, options: ReferrersOptions = {}): Promise<Descriptor[]> {
    const { artifactType, signal } = options;
    const { maxManifestSize = 4 << 20 } = this.#options;
    const { digest } = subject;
    if (artifactType?.isWellFormed() === false) {
      throw new TypeError(
        `Cannot list referrers of the artifactType ${quote(artifactType)}: expected well-formed ` +
          "text, such as application/spdx+json",
      );
    }
    const list = () => {
      const attempts = new Attempts(this.#options);
      return { attempts, artifactType, signal, maxManifestSize };
    };
    if (this.#hasReferrersApi) {
      const found = await listReferrers(this.#client, digest, list());
      if (found) return found;
      this.#hasReferrersApi = false;
    }
    return await listReferrersByTag(this.#client, digest, list());
  }

  async #head(descriptor: Descriptor, { signal }: StoreOptions): Promise<void> {
    const attempts = new Attempts(this.#options);
    const headers = acceptOf(descriptor);
    try {
      const call = { method: "HEAD", headers, attempts, signal } as const;
      (await this.#client.request(pathOf(descriptor), call)).close();
    } catch (error) {
      throw this.#asBlobError(error, descriptor);
    }
  }

  /** A reference's tag or digest, where it is in this repository. */
  #within(reference: string): Reference {
    const { domain, path } = this.#reference;
    const digest = reference.replace(/^@/, "");
    if (isDigest(digest)) return { domain, path, digest };
    if (/^\w[\w.-]{0,127}$/.test(reference)) return { domain, path, tag: reference };
    const parsed = parseReference(reference);
    if (parsed.domain === domain && parsed.path === path) return withDefaultTag(parsed);
    throw new InvalidReferenceError(reference, `it is not in the repository ${domain}/${path}`);
  }

  #asBlobError(error: unknown, { digest }: Descriptor): unknown {
    if (!isNotFound(error)) return error;
    return new BlobNotFoundError(digest, this.#client.name, { cause: error });
  }
}

function pathOf({ digest, mediaType }: Descriptor): string {
  parseDigest(digest);
  return `${isManifest(mediaType) ? "manifests" : "blobs"}/${digest}`;
}

function acceptOf({ mediaType }: Descriptor): Record<string, string> {
  return { accept: isManifest(mediaType) ? acceptManifests(mediaType) : "*/*" };
}

function isManifest(mediaType: string): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType);
}

function withDefaultTag(reference: Reference): Reference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: "latest" };
}

function isNotFound(error: unknown): boolean {
  return error instanceof RegistryError && error.status === 404;
}
