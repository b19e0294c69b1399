/**
 * Images in a running containerd, over its gRPC socket, on Deno, Bun and Node.
 *
 * @module
 */
import {
  BlobNotFoundError,
  BlobReadError,
  quote,
  ReferenceNotFoundError,
  some,
} from "../../errors.ts";
import { ContainerdError } from "../../errors/remote.ts";
import { readBlob } from "../../content/read.ts";
import type {
  BlobBody,
  ContentStore,
  Existence,
  Labels,
  OpenOptions,
  Referrers,
  Resolver,
  Roots,
  StoreOptions,
} from "../../content/store.ts";
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME } from "../../oci/annotation.ts";
import { type Descriptor, parseDescriptor } from "../../oci/descriptor.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseManifestOrIndex, referrerDescriptor } from "../../oci/manifest.ts";
import { MediaType } from "../../oci/media_type.ts";
import { formatReference, parseReference, referenceName } from "../../oci/reference.ts";
import { Content, type Info } from "./api/content_pb.ts";
import { type Image, Images } from "./api/images_pb.ts";
import { blobBody } from "./blob_body.ts";
import { Connection } from "./connection.ts";

/** The labels by which containerd (from 2.2 on) keeps the referrers of a manifest begin with this. */
const LABEL_REFERRER = "containerd.io/gc.ref.content.referrer.";

/** Where containerd is, and which of its images. */
export interface ContainerdOptions {
  /**
   * Where it listens: a socket's path, with or without `unix://`, or `host:port`.
   * @default {"/run/containerd/containerd.sock"}
   */
  address?: string | undefined;
  /**
   * Its namespace: Docker's is `moby`, Kubernetes's `k8s.io`.
   * @default {"default"}
   */
  namespace?: string | undefined;
}

/**
 * The images of a running containerd. They are only read. Nothing is asked before the first call;
 * the connection is kept until {@linkcode ContainerdStore.close}.
 *
 * Every call may throw a {@linkcode ContainerdError}, such as where containerd cannot be reached. Deno
 * has to be told `--allow-env`, and `--allow-net`, `--allow-read` and `--allow-write` for the socket.
 *
 * Source: [containerd's API](https://github.com/containerd/containerd/tree/main/api/services).
 *
 * @example
 * ```ts
 * import { planArchive } from "@oci/archive";
 * import { ContainerdStore } from "@oci/archive/containerd";
 *
 * export async function sizeOf(image: string): Promise<number> {
 *   const store = new ContainerdStore({ namespace: "k8s.io" });
 *   try {
 *     const root = await store.resolve(image);
 *     return (await planArchive(store, [root], { platforms: ["linux/amd64"] })).size;
 *   } finally {
 *     store.close();
 *   }
 * }
 * ```
 */
export class ContainerdStore
  implements ContentStore, Existence, Resolver, Roots, Referrers, Labels {
  /** Each call is a round trip through its socket. */
  readonly lookAhead = 2;
  #connection: Connection;
  #namespace: string;

  /**
   * A store over the containerd at an address; it is not asked yet.
   *
   * @throws {TypeError} where the address or the namespace cannot be one
   */
  constructor(
    { address = "/run/containerd/containerd.sock", namespace = "default" }: ContainerdOptions = {},
  ) {
    this.#connection = new Connection(address, namespace);
    this.#namespace = namespace;
  }

  async open(descriptor: Descriptor, options: OpenOptions = {}): Promise<BlobBody> {
    const { digest, size } = descriptor;
    const { offset = 0, length = Infinity, signal } = options;
    parseDigest(digest);
    // Asked for none, containerd would give all.
    if (length === 0 || offset > size) {
      await this.#info(digest, { signal });
      return new Uint8Array();
    }
    signal?.throwIfAborted();
    const messages = this.#connection.stream(Content.method.read, {
      digest,
      offset: BigInt(offset),
      size: length === Infinity ? 0n : BigInt(length),
    });
    return await blobBody(messages, {
      expected: Math.max(Math.min(length, size - offset), 0),
      signal,
      asBlobError: (error) => this.#asBlobError(error, digest),
    });
  }

  async exists({ digest }: Descriptor, options?: StoreOptions): Promise<boolean> {
    return await this.#find(digest, options) !== undefined;
  }

  /** The blob's labels, such as where it was pulled from; none of a blob that is not there. */
  async labels({ digest }: Descriptor, options?: StoreOptions): Promise<Record<string, string>> {
    return { ...(await this.#find(digest, options))?.labels };
  }

  /** Every image, under its name, in the order of containerd. */
  async roots(options?: StoreOptions): Promise<Descriptor[]> {
    const { images } = await this.#connection.call(Images.method.list, {}, options);
    return images.map(rootOf);
  }

  /**
   * The descriptor behind an image's name, or behind a digest.
   *
   * @param reference an image's name as containerd has it, or as Docker's users type it, or the digest
   * of one
   */
  async resolve(reference: string, options: StoreOptions = {}): Promise<Descriptor> {
    for (const name of new Set([reference, fullName(reference)])) {
      const image = await this.#image(name, options);
      if (image) return rootOf(image);
    }
    const roots = await this.roots(options);
    const digest = reference.replace(/^@/, "");
    const found = roots.find((root) => root.digest === digest);
    if (found) {
      const { annotations: _, ...descriptor } = found;
      return descriptor;
    }
    const names = roots.map(({ annotations }) => annotations![ANNOTATION_IMAGE_NAME]!);
    const known = some(names.map(quote));
    throw new ReferenceNotFoundError(
      reference,
      `${this.#where} has ${known || "no images; choose another namespace"}`,
    );
  }

  async referrers(subject: Descriptor, options?: StoreOptions): Promise<Descriptor[]> {
    const labels = await this.labels(subject, options);
    const digests = Object.entries(labels)
      .filter(([label]) => label.startsWith(LABEL_REFERRER))
      .map(([, digest]) => digest);
    const referrers: Descriptor[] = [];
    for (const digest of digests) referrers.push(await this.#referrer(digest, options));
    return referrers;
  }

  /** Closes the connection; the store cannot be used any more. */
  close(): void {
    this.#connection.close();
  }

  async #referrer(digest: string, options: StoreOptions = {}): Promise<Descriptor> {
    const { size } = await this.#info(digest, options);
    const descriptor = parseDescriptor({ digest, size: Number(size) }, `a label of ${digest}`);
    const document = parseManifestOrIndex(await readBlob(this, descriptor, options), digest);
    const mediaType = document.mediaType ??
      ("manifests" in document ? MediaType.ImageIndex : MediaType.ImageManifest);
    return referrerDescriptor({ ...descriptor, mediaType }, document);
  }

  async #image(name: string, options: StoreOptions): Promise<Image | undefined> {
    try {
      return (await this.#connection.call(Images.method.get, { name }, options)).image;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #info(digest: string, options?: StoreOptions): Promise<Info> {
    try {
      return (await this.#connection.call(Content.method.info, { digest }, options)).info!;
    } catch (error) {
      throw this.#asBlobError(error, digest);
    }
  }

  /** What containerd knows of a blob; undefined where it does not have it. */
  async #find(digest: string, options?: StoreOptions): Promise<Info | undefined> {
    try {
      return await this.#info(digest, options);
    } catch (error) {
      if (error instanceof BlobNotFoundError) return undefined;
      throw error;
    }
  }

  /** Names the blob. */
  #asBlobError(error: unknown, digest: string): unknown {
    if (!(error instanceof ContainerdError)) return error;
    if (!isNotFound(error)) return new BlobReadError(digest, error.message, { cause: error });
    const where =
      `${this.#where}, which may hold one platform of an image only: choose it, or skip what is missing`;
    return new BlobNotFoundError(digest, where, { cause: error });
  }

  get #where(): string {
    return `containerd at ${this.#connection.address} (namespace ${this.#namespace})`;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ContainerdError && error.code === "NOT_FOUND";
}

/** What an index.json would say of the image. */
function rootOf({ name, target }: Image): Descriptor {
  const { mediaType, digest, size, annotations } = target ?? {};
  return parseDescriptor({
    mediaType,
    digest,
    size: Number(size),
    annotations: {
      ...annotations,
      [ANNOTATION_IMAGE_NAME]: name,
      [ANNOTATION_REF_NAME]: referenceName(name),
    },
  }, `image ${name}`);
}

/** The name in full, where it is one: `alpine` is `docker.io/library/alpine:latest`. */
function fullName(name: string): string {
  try {
    const reference = parseReference(name);
    const { tag = reference.digest ? undefined : "latest" } = reference;
    return formatReference({ ...reference, tag });
  } catch {
    return name;
  }
}
