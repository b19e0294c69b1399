/**
 * Images in an OCI image layout on disk, on Deno, Bun and Node.
 *
 * @module
 */
import { statSync } from "node:fs";
import {
  BlobNotFoundError,
  BlobReadError,
  InvalidLayoutError,
  LimitError,
  nameOf,
} from "../errors.ts";
import { checkLimits } from "../content/check_numbers.ts";
import type {
  BlobBody,
  ContentStore,
  Existence,
  OpenOptions,
  Referrers,
  Resolver,
  Roots,
  StoreOptions,
} from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { blobPath, parseDigest } from "../oci/digest.ts";
import { type FilePart, openFile, readInto, realPath } from "./file.ts";
import { LayoutIndex, type LayoutOptions } from "./layout_index.ts";

export type { LayoutOptions } from "./layout_index.ts";

/** How to read a layout on disk. */
export interface LayoutStoreOptions extends LayoutOptions {
  /**
   * Follow links that lead out of the layout, such as Bazel's rules make. Whoever writes the layout
   * then says which files are read, and a part of a blob leaves unverified: not for a server.
   * @default {false}
   */
  followLinks?: boolean | undefined;
}

/** Milliseconds; a tick of Linux's clock for files takes up to 10. */
const SETTLING = 50;

/**
 * An OCI image layout: a directory with `oci-layout`, `index.json` and `blobs/`. It is only read.
 *
 * Source: [image spec, "Image Layout"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md).
 *
 * @example
 * ```ts
 * import { exportArchive } from "@oci/archive";
 * import { LayoutStore } from "@oci/archive/layout";
 *
 * const store = new LayoutStore("tests/testdata/golden/single/layout");
 * const archive = exportArchive(store, [await store.resolve("1.0")]);
 * console.log((await new Response(archive).arrayBuffer()).byteLength); // 10752
 * ```
 */
export class LayoutStore implements ContentStore, Existence, Resolver, Roots, Referrers {
  #directory: string;
  #index: LayoutIndex;
  /** Where the blobs of an algorithm are, for those that have been looked for. */
  #folders = new Map<string, string>();
  #maxIndexSize: number;
  #followLinks: boolean;
  #unsettled = 0;

  /**
   * Names a layout; nothing is read yet.
   *
   * @param directory its path
   * @throws {TypeError | RangeError} where the path is none, or `maxIndexSize` no number
   */
  constructor(directory: string, options: LayoutStoreOptions = {}) {
    checkLimits(options, { maxIndexSize: 0 });
    // An empty path would lead to the root of all.
    if (typeof directory !== "string" || directory === "") {
      const found = directory === "" ? "an empty one" : nameOf(directory);
      throw new TypeError(
        `Cannot read a layout: expected the path of its directory, found ${found}`,
      );
    }
    const { maxIndexSize = 64 << 20, followLinks = false } = options;
    this.#maxIndexSize = maxIndexSize;
    this.#followLinks = followLinks;
    this.#directory = directory;
    this.#index = new LayoutIndex({
      name: directory,
      read: (name) => this.#readFile(name),
      version: () => this.#indexVersion(),
    }, this);
  }

  /**
   * The blob's file. A link in its place is followed where that leads to a file of the layout,
   * or `followLinks` is on.
   *
   * @throws {BlobNotFoundError | BlobReadError}
   */
  open(descriptor: Descriptor, options: OpenOptions = {}): BlobBody | Promise<BlobBody> {
    const { digest, size } = descriptor;
    const { offset = 0, length = Infinity, buffers, signal } = options;
    const expected = Math.max(Math.min(length, size - offset), 0);
    // One byte more than there should be, so that one too many is seen.
    const wanted = offset + length >= size && offset <= size ? expected + 1 : expected;
    const part = { offset, length: wanted, expected, plain: true, buffers, signal };
    try {
      const body = openFile(this.#blobPath(digest), part);
      return body instanceof Promise
        ? body.catch((cause) => this.#openLink(digest, part, cause))
        : body;
    } catch (cause) {
      return this.#openLink(digest, part, cause);
    }
  }

  /** Opens what is behind a link in a blob's place, where that is why opening the blob failed. */
  async #openLink(digest: string, part: FilePart, cause: unknown): Promise<BlobBody> {
    try {
      const { code } = cause as { code?: string };
      // FreeBSD says EMLINK.
      if (code !== "ELOOP" && code !== "EMLINK") throw cause;
      return await openFile(this.#realPath(this.#blobPath(digest)), part);
    } catch (error) {
      part.signal?.throwIfAborted();
      throw this.#error(error, digest);
    }
  }

  /** Whether there is something in the blob's place. */
  exists({ digest }: Descriptor, { signal }: StoreOptions = {}): Promise<boolean> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    try {
      const found = statSync(`${this.#directory}/${blobPath(digest)}`, { throwIfNoEntry: false });
      return Promise.resolve(found !== undefined);
    } catch (cause) {
      return Promise.reject(this.#error(cause, digest));
    }
  }

  /**
   * The manifests of index.json, in its order: those of now, should it have been written since.
   *
   * @throws {InvalidLayoutError} where it has none
   */
  roots(options?: StoreOptions): Promise<Descriptor[]> {
    return this.#index.roots(options);
  }

  /**
   * The manifest of a name, or of a digest.
   *
   * @param reference a reference name, a full name, or a digest, also of a manifest inside of a
   * listed index
   */
  resolve(reference: string, options?: StoreOptions): Promise<Descriptor> {
    return this.#index.resolve(reference, options);
  }

  /** The manifests whose `subject` this is, also inside of a listed index. */
  referrers(subject: Descriptor, options?: StoreOptions): Promise<Descriptor[]> {
    return this.#index.referrers(subject, options);
  }

  #readFile(name: string): Uint8Array {
    const max = this.#maxIndexSize;
    try {
      const path = this.#realPath(`${this.#directory}/${name}`);
      const { size } = statSync(path);
      if (size > max) throw new LimitError(path, "maxIndexSize", max);
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, readInto(path, bytes, { plain: true }));
    } catch (cause) {
      const error = this.#error(cause, name);
      if (!(error instanceof BlobReadError)) throw error;
      const why = `cannot be read: ${(cause as Error).message}`;
      throw new InvalidLayoutError(this.#directory, name, why, { cause });
    }
  }

  /** Another one for each index.json that is written. What is wrong with it, reading it tells. */
  #indexVersion(): string {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(`${this.#directory}/index.json`);
      const version = [ino, size, mtimeMs, ctimeMs].join();
      // What is written again before the file system's clock ticks would look the same.
      const isSettled = Math.abs(Date.now() - mtimeMs) > SETTLING;
      return isSettled ? version : `${version},${this.#unsettled++}`;
    } catch {
      return "";
    }
  }

  /** A blob's path. Should a folder on the way be a link, it must not lead out of the layout. */
  #blobPath(digest: string): string {
    const { algorithm, encoded } = parseDigest(digest);
    let folder = this.#folders.get(algorithm);
    if (folder === undefined) {
      folder = this.#realPath(`${this.#directory}/blobs/${algorithm}`);
      this.#folders.set(algorithm, folder);
    }
    return `${folder}/${encoded}`;
  }

  #realPath(path: string): string {
    return realPath(this.#directory, path, this.#followLinks);
  }

  /** What node:fs throws, with the blob's name. */
  #error(cause: unknown, name: string): unknown {
    const { code } = cause as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") {
      return new BlobNotFoundError(name, this.#directory, { cause });
    }
    return code === undefined
      ? cause
      : new BlobReadError(name, (cause as Error).message, { cause });
  }
}
