/**
 * Images in an OCI image layout on disk, on Deno, Bun and Node.
 *
 * @module
 */
import { statSync } from "node:fs";
import { BlobNotFoundError, BlobReadError, LimitError } from "../errors.ts";
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
import { blobPath } from "../oci/digest.ts";
import { openFile, readInto } from "./file.ts";
import { LayoutIndex, type LayoutOptions } from "./layout_index.ts";

export type { LayoutOptions } from "./layout_index.ts";

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

  #maxIndexSize: number;

  /** @param directory the layout's path; nothing is read yet */
  constructor(directory: string, { maxIndexSize = 64 << 20 }: LayoutOptions = {}) {
    this.#maxIndexSize = maxIndexSize;
    this.#directory = directory.replace(/(?<=.)[/\\]+$/, "");
    this.#index = new LayoutIndex(
      directory,
      (name, options) => this.#readFile(name, options),
      this,
    );
  }

  open(descriptor: Descriptor, options: OpenOptions = {}): BlobBody | Promise<BlobBody> {
    const { digest, size } = descriptor;
    const { offset = 0, length = Infinity } = options;
    try {
      const path = `${this.#directory}/${blobPath(digest)}`;
      const expected = Math.max(Math.min(length, size - offset), 0);
      // One byte more than there should be, so that one too many is seen.
      const wanted = offset + length >= size && offset <= size ? expected + 1 : expected;
      const body = openFile(path, { ...options, offset, length: wanted, expected });
      return body instanceof Promise
        ? body.catch((cause) => Promise.reject(this.#error(cause, digest)))
        : body;
    } catch (cause) {
      return Promise.reject(this.#error(cause, digest));
    }
  }

  exists({ digest }: Descriptor): Promise<boolean> {
    try {
      const found = statSync(`${this.#directory}/${blobPath(digest)}`, { throwIfNoEntry: false });
      return Promise.resolve(found !== undefined);
    } catch (cause) {
      return Promise.reject(this.#error(cause, digest));
    }
  }

  /** The manifests of index.json, in its order. @throws {InvalidLayoutError} where it has none */
  roots(options?: StoreOptions): Promise<Descriptor[]> {
    return this.#index.roots(options);
  }

  /**
   * @param reference a reference name, a full name, or a digest, also of a manifest inside of a
   * listed index
   */
  resolve(reference: string, options?: StoreOptions): Promise<Descriptor> {
    return this.#index.resolve(reference, options);
  }

  referrers(subject: Descriptor, options?: StoreOptions): Promise<Descriptor[]> {
    return this.#index.referrers(subject, options);
  }

  #readFile(name: string, { signal }: StoreOptions): Uint8Array {
    signal?.throwIfAborted();
    const path = `${this.#directory}/${name}`;
    const max = this.#maxIndexSize;
    try {
      const { size } = statSync(path);
      if (size <= max) {
        const bytes = new Uint8Array(size);
        return bytes.subarray(0, readInto(path, bytes));
      }
    } catch (cause) {
      throw this.#error(cause, name);
    }
    throw new LimitError(path, "maxIndexSize", max);
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
