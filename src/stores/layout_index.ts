import {
  ArchiveError,
  BlobNotFoundError,
  BlobReadError,
  InvalidLayoutError,
  quote,
  ReferenceNotFoundError,
  some,
} from "../errors.ts";
import { once } from "../content/one_call.ts";
import { readBlob } from "../content/read.ts";
import type { ContentStore, Referrers, Resolver, Roots, StoreOptions } from "../content/store.ts";
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME } from "../oci/annotation.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isDigest } from "../oci/digest.ts";
import {
  type Index,
  type Manifest,
  parseIndex,
  parseManifest,
  referrerDescriptor,
} from "../oci/manifest.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { isJsonObject, parseJson } from "../oci/parse_json.ts";

/** The bound of a layout. */
export interface LayoutOptions {
  /**
   * The most bytes of index.json: 100,000 images with names take about 30 MiB.
   * @default {67108864}
   */
  maxIndexSize?: number | undefined;
}

/** How deep a search goes into nested indexes. */
const MAX_DEPTH = 32;

/** The two files of a layout that are no blobs. */
export interface LayoutFiles {
  /** What errors call the layout. */
  readonly name: string;
  /** @throws {BlobNotFoundError} where there is none of this name */
  read(name: string, options: StoreOptions): Uint8Array | Promise<Uint8Array>;
  /** A text that changes whenever index.json does; left out where it never does. */
  version?(): string;
}

/** What a layout says as long as its index.json stays as it is; each is read once. */
interface View {
  version: string | undefined;
  manifests: (options?: StoreOptions) => Promise<readonly Descriptor[]>;
  /** By the digest of their subject. */
  referrers: (options?: StoreOptions) => Promise<ReadonlyMap<string, readonly Descriptor[]>>;
}

/**
 * What a layout says of itself in `oci-layout` and `index.json`, wherever its files are: names,
 * roots and referrers.
 *
 * Source: [image spec, "Image Layout"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md).
 */
export class LayoutIndex implements Resolver, Roots, Referrers {
  #files: LayoutFiles;
  #blobs: ContentStore;
  #latest: View | undefined;

  constructor(files: LayoutFiles, blobs: ContentStore) {
    this.#files = files;
    this.#blobs = blobs;
  }

  /** What index.json lists. */
  async roots(options?: StoreOptions): Promise<Descriptor[]> {
    return [...await this.#view().manifests(options)];
  }

  /** The view of this moment: who has one keeps it, whatever is written meanwhile. */
  #view(): View {
    const version = this.#files.version?.();
    if (this.#latest && this.#latest.version === version) return this.#latest;
    const manifests = once((signal) => this.#read({ signal }));
    const referrers = once(async (signal) =>
      await this.#findReferrers(await manifests({ signal }), { signal })
    );
    return this.#latest = { version, manifests, referrers };
  }

  async #read(options: StoreOptions): Promise<Descriptor[]> {
    const layout = await this.#readJson("oci-layout", options);
    const version = isJsonObject(layout) ? layout.imageLayoutVersion : undefined;
    if (version !== "1.0.0") {
      throw this.#invalid("oci-layout", `must have imageLayoutVersion "1.0.0"`);
    }
    const bytes = await this.#readWhole("index.json", options);
    try {
      return parseIndex(bytes, "index.json").manifests;
    } catch (cause) {
      throw this.#invalid("index.json", `is broken: ${(cause as Error).message}`, cause);
    }
  }

  async #readJson(file: string, options: StoreOptions): Promise<unknown> {
    const bytes = await this.#readWhole(file, options);
    try {
      return parseJson(bytes);
    } catch (cause) {
      throw this.#invalid(file, "is not JSON", cause);
    }
  }

  async #readWhole(file: string, options: StoreOptions): Promise<Uint8Array> {
    try {
      return await this.#files.read(file, options);
    } catch (cause) {
      if (!(cause instanceof BlobNotFoundError)) throw cause;
      throw this.#invalid(file, "is missing", cause);
    }
  }

  #invalid(file: string, why: string, cause?: unknown): InvalidLayoutError {
    return new InvalidLayoutError(this.#files.name, file, why, { cause });
  }

  /**
   * The manifest of a name: its reference name, else its full name, else a digest, which may also
   * be that of a manifest inside of a listed index.
   */
  async resolve(reference: string, options: StoreOptions = {}): Promise<Descriptor> {
    const { name } = this.#files;
    const roots = await this.#view().manifests(options);
    const digest = reference.replace(/^@/, "");
    for (
      const found of [
        roots.filter(({ digest: own }) => own === digest),
        named(roots, ANNOTATION_REF_NAME, reference),
        named(roots, ANNOTATION_IMAGE_NAME, reference),
      ]
    ) {
      const [first] = found;
      if (!first) continue;
      const digests = new Set(found.map(({ digest }) => digest));
      if (digests.size === 1) return first;
      throw new ReferenceNotFoundError(
        reference,
        `${name} has several; choose by digest: ${some([...digests])}`,
      );
    }
    // Who mistypes a name need not wait until everything has been read.
    if (isDigest(digest)) {
      for await (const { descriptor } of this.#documents(roots, options)) {
        if (descriptor.digest === digest) return descriptor;
      }
    }
    const known = some(names(roots).map(quote));
    throw new ReferenceNotFoundError(
      reference,
      `${name} has ${known || "no names; choose by digest: @sha256:…"}`,
    );
  }

  /** The manifests here, nested ones too, whose `subject` this is. */
  async referrers(subject: Descriptor, options?: StoreOptions): Promise<Descriptor[]> {
    return [...(await this.#view().referrers(options)).get(subject.digest) ?? []];
  }

  async #findReferrers(
    roots: readonly Descriptor[],
    options: StoreOptions,
  ): Promise<Map<string, Descriptor[]>> {
    const referrers = new Map<string, Descriptor[]>();
    for await (const { descriptor, document } of this.#documents(roots, options)) {
      if (!document?.subject) continue;
      const list = referrers.get(document.subject.digest) ?? [];
      list.push(referrerDescriptor(descriptor, document));
      referrers.set(document.subject.digest, list);
    }
    return referrers;
  }

  /** Every manifest and index that index.json leads to; without a document where it is missing. */
  async *#documents(
    roots: readonly Descriptor[],
    options: StoreOptions,
  ): AsyncGenerator<{ descriptor: Descriptor; document?: Manifest | Index }> {
    const seen = new Set<string>();
    let level = roots;
    for (let depth = 0; level.length > 0 && depth < MAX_DEPTH; depth++) {
      const below: Descriptor[] = [];
      for (const descriptor of level) {
        const { digest, mediaType } = descriptor;
        const parse = isManifestType(mediaType)
          ? parseManifest
          : isIndexType(mediaType)
          ? parseIndex
          : undefined;
        if (!parse || seen.has(digest)) continue;
        seen.add(digest);
        let document: Manifest | Index | undefined;
        try {
          document = parse(await readBlob(this.#blobs, descriptor, options), digest);
        } catch (error) {
          options.signal?.throwIfAborted();
          // A layout may lack some of its images; whoever exports this one hears of it. What is there
          // and cannot be read now may hold what is looked for.
          if (!(error instanceof ArchiveError) || error instanceof BlobReadError) throw error;
        }
        yield { descriptor, document };
        if (document && "manifests" in document) below.push(...document.manifests);
      }
      level = below;
    }
  }
}

function named(roots: readonly Descriptor[], annotation: string, name: string): Descriptor[] {
  return roots.filter(({ annotations }) => annotations?.[annotation] === name);
}

function names(roots: readonly Descriptor[]): string[] {
  return roots.flatMap(({ annotations }) =>
    annotations?.[ANNOTATION_REF_NAME] ??
      annotations?.[ANNOTATION_IMAGE_NAME] ?? []
  );
}
