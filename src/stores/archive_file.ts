/**
 * Images in an OCI archive: a tar on disk, in a Blob, or behind HTTP.
 *
 * @module
 */
import {
  BlobNotFoundError,
  BlobReadError,
  InvalidLayoutError,
  InvalidTarError,
  LimitError,
  nameOf,
  quote,
  SizeMismatchError,
} from "../errors.ts";
import { checkLimits, checkMilliseconds } from "../content/check_numbers.ts";
import { once } from "../content/one_call.ts";
import { chunksOf } from "../content/read.ts";
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
import { parseUrl } from "../content/transport.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { blobPath } from "../oci/digest.ts";
import { BLOCK, paddingSize } from "../tar/header.ts";
import { readEntry, type TarEntry } from "../tar/reader.ts";
import {
  blobSource,
  type ByteSource,
  fileSource,
  httpSource,
  type HttpSourceOptions,
} from "./byte_source.ts";
import { LayoutIndex, type LayoutOptions } from "./layout_index.ts";

export type { HttpSourceOptions, LayoutOptions };

/** How to read an archive. */
export interface ArchiveFileOptions extends LayoutOptions, HttpSourceOptions {
  /**
   * How many entries the tar may have.
   * @default {300000}
   */
  maxEntries?: number | undefined;
}

/** The files of an archive that are ever asked for, by name: nothing else is kept in memory. */
const ASKED_FOR = /^(?:oci-layout|index\.json|blobs\/[a-z0-9]+\/[0-9a-f]{64,128})$/;

/** Where a file, or a link in its place, lies in the tar. */
type Place = Pick<TarEntry, "bodyOffset" | "size" | "type">;

/** What the headers tell. */
interface Contents {
  places: Map<string, Place>;
  /** What the tar may be instead, where it is no OCI archive, and what to do about it. */
  instead?: string;
}

/** The links that tar makes, and the flag by which it stores files instead. */
const LINKS: Record<string, [what: string, flag: string] | undefined> = {
  "1": ["hard link", "--hard-dereference"],
  "2": ["symbolic link", "--dereference"],
};

const DOCKER_ARCHIVE = "this is what podman save and docker save before 25 make; save with " +
  "--format oci-archive, or convert it by skopeo copy docker-archive:FILE oci-archive:NEW";

/** How many bytes to ask for when looking for headers: as many as 128 of them, or a small manifest. */
const WINDOW = 64 << 10;

/**
 * An OCI archive as a store. Its headers are read once, at the first question; then each blob is
 * read where it lies, in any order.
 *
 * @example
 * ```ts
 * import { planArchive } from "@oci/archive";
 * import { ArchiveFileStore } from "@oci/archive/archive-file";
 *
 * const store = new ArchiveFileStore("tests/testdata/golden/single/expected.tar");
 * const plan = await planArchive(store, await store.roots());
 * console.log(plan.size); // 10752
 * ```
 */
export class ArchiveFileStore implements ContentStore, Existence, Resolver, Roots, Referrers {
  #source: ByteSource;
  #headers = once((signal) => this.#readHeaders({ signal }));
  #index: LayoutIndex;
  #maxIndexSize: number;
  #maxEntries: number;

  /**
   * Names an archive; nothing is read yet.
   *
   * @param from a path, a `file:`, `http:` or `https:` URL, also as a string, or a Blob. A user and a
   * password in the URL go to its own origin, as `Authorization`
   * @throws {TypeError} for other URLs, and for what is neither
   * @throws {RangeError} where a limit or a time is no number
   */
  constructor(from: string | URL | Blob, options: ArchiveFileOptions = {}) {
    checkLimits(options, { maxIndexSize: 0, maxEntries: 0 });
    checkMilliseconds(options, { stallTimeout: 1 });
    this.#maxIndexSize = options.maxIndexSize ?? 64 << 20;
    this.#maxEntries = options.maxEntries ?? 300_000;
    this.#source = sourceOf(from, options);
    this.#index = new LayoutIndex({
      name: this.#source.name,
      read: (name, options) => this.#readFile(name, options),
    }, this);
  }

  /**
   * The blob, read where it lies in the tar.
   *
   * @throws {BlobNotFoundError | SizeMismatchError}
   */
  async open(descriptor: Descriptor, options: OpenOptions = {}): Promise<BlobBody> {
    const { digest, size } = descriptor;
    const entry = await this.#entry(blobPath(digest), digest, options);
    if (entry.size !== size) throw new SizeMismatchError(digest, size, entry.size, "in the tar");
    const { offset = 0, length = Infinity } = options;
    const wanted = Math.max(Math.min(length, size - offset), 0);
    if (wanted === 0) return new Uint8Array();
    return this.#source.open({
      ...options,
      offset: entry.bodyOffset + offset,
      length: wanted,
    });
  }

  /** Whether the tar has the blob. */
  async exists({ digest }: Descriptor, options: StoreOptions = {}): Promise<boolean> {
    return (await this.#headers(options)).places.has(blobPath(digest));
  }

  /**
   * The manifests of index.json, in its order.
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

  async #readFile(name: string, options: StoreOptions): Promise<Uint8Array> {
    const { places, instead } = await this.#headers(options);
    if (instead && !places.has(name)) {
      throw new InvalidLayoutError(this.#source.name, name, `is missing: ${instead}`);
    }
    const { bodyOffset: offset, size: length } = await this.#entry(name, name, options);
    if (length > this.#maxIndexSize) {
      throw new LimitError(name, "maxIndexSize", this.#maxIndexSize);
    }
    return await this.#read(offset, length, options);
  }

  async #entry(path: string, name: string, options: StoreOptions): Promise<Place> {
    const entry = (await this.#headers(options)).places.get(path);
    if (!entry) throw new BlobNotFoundError(name, this.#source.name);
    const [what, flag] = LINKS[entry.type] ?? [];
    if (what) {
      const why = `${path} is a ${what}, not a file; make the tar again by tar ${flag}`;
      throw new InvalidTarError(entry.bodyOffset - BLOCK, why);
    }
    return entry;
  }

  async #readHeaders(options: StoreOptions): Promise<Contents> {
    const places = new Map<string, Place>();
    let instead: string | undefined;
    let window: Uint8Array = new Uint8Array();
    let windowStart = 0;
    let at = 0;
    const read = async (length: number) => {
      if (at < windowStart || at + length > windowStart + window.length) {
        window = await this.#read(at, Math.max(length, WINDOW), options);
        windowStart = at;
      }
      const bytes = window.subarray(at - windowStart, at - windowStart + length);
      at += bytes.length;
      return bytes;
    };
    for (let offset = 0, count = 1;; count++) {
      const entry = await readEntry(read, offset);
      if (!entry) return { places, instead };
      if (count > this.#maxEntries) {
        throw new LimitError(this.#source.name, "maxEntries", this.#maxEntries);
      }
      const { type, bodyOffset, size } = entry;
      const name = entry.name.replace(/^(?:\.\/)+/, "");
      if ((type === "0" || LINKS[type]) && ASKED_FOR.test(name)) {
        if (places.has(name)) throw new InvalidTarError(offset, `it has ${name} twice`);
        places.set(name, { bodyOffset, size, type });
      } else if (name === "manifest.json") {
        instead = DOCKER_ARCHIVE;
      } else if (name.endsWith("/oci-layout")) {
        const folder = quote(name.replace(/oci-layout$/, ""));
        instead = `it is in the folder ${folder}; make the tar in that folder (tar -C)`;
      }
      offset = bodyOffset + size + paddingSize(size);
      at = offset;
    }
  }

  /** Reads a part whole; it is shorter only where the tar ends. */
  async #read(offset: number, length: number, options: StoreOptions): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array();
    const body = await this.#source.open({ ...options, offset, length });
    if (body instanceof Uint8Array) return body;
    const bytes = new Uint8Array(length);
    let filled = 0;
    const { name } = this.#source;
    for await (const chunk of chunksOf(body, { digest: name }, options.signal)) {
      if (filled + chunk.length > length) {
        throw new BlobReadError(name, "it answers with more than was asked for");
      }
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    return bytes.subarray(0, filled);
  }
}

function sourceOf(from: string | URL | Blob, options: HttpSourceOptions): ByteSource {
  if (from instanceof Blob) return blobSource(from);
  if (from === "" || !(typeof from === "string" || from instanceof URL)) {
    const found = from === "" ? "an empty path" : nameOf(from);
    throw new TypeError(
      `Cannot read an archive: expected a path, a URL or a Blob, found ${found}`,
    );
  }
  if (typeof from === "string" && !/^[a-z][a-z0-9+.-]+:\/\//i.test(from)) return fileSource(from);
  const url = parseUrl(from);
  if (url.protocol === "file:") return fileSource(url);
  if (/^https?:$/.test(url.protocol)) return httpSource(url, options);
  throw new TypeError(
    `Cannot read an archive from a ${url.protocol} URL: expected file:, http: or https:`,
  );
}
