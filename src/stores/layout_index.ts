import {
  ArchiveError,
  BlobNotFoundError,
  InvalidLayoutError,
  ReferenceNotFoundError,
} from "../errors.ts";
import { abortable, readBlob } from "../content/read.ts";
import type { ContentStore, Referrers, Resolver, Roots, StoreOptions } from "../content/store.ts";
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME } from "../oci/annotation.ts";
import type { Descriptor } from "../oci/descriptor.ts";
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
  maxIndexSize?: number;
}

/** How deep a search goes into nested indexes. */
const MAX_DEPTH = 32;

/**
 * What a layout says of itself in `oci-layout` and `index.json`, wherever its files are: names,
 * roots and referrers.
 *
 * Source: [image spec, "Image Layout"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md).
 */
export class LayoutIndex implements Resolver, Roots, Referrers {
  #where: string;
  #readFile: (name: string, options: StoreOptions) => Uint8Array | Promise<Uint8Array>;
  #blobs: ContentStore;
  #manifests: Promise<Descriptor[]> | undefined;
  #referrers: Promise<Map<string, Descriptor[]>> | undefined;

  /**
   * @param where what errors call the layout
   * @param readFile reads one of its two files; throws a BlobNotFoundError where there is none
   */
  constructor(
    where: string,
    readFile: (name: string, options: StoreOptions) => Uint8Array | Promise<Uint8Array>,
    blobs: ContentStore,
  ) {
    this.#where = where;
    this.#readFile = readFile;
    this.#blobs = blobs;
  }

  /** What index.json lists; read once. */
  roots(options: StoreOptions = {}): Promise<Descriptor[]> {
    // Without the signal: others may wait for the same reading.
    this.#manifests ??= this.#read({}).catch((error) => {
      this.#manifests = undefined;
      throw error;
    });
    return abortable(this.#manifests, options.signal);
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
      return await this.#readFile(file, options);
    } catch (cause) {
      if (!(cause instanceof BlobNotFoundError)) throw cause;
      throw this.#invalid(file, "is missing", cause);
    }
  }

  #invalid(file: string, why: string, cause?: unknown): InvalidLayoutError {
    return new InvalidLayoutError(this.#where, file, why, { cause });
  }

  /**
   * The manifest of a name: its reference name, else its full name, else a digest, which may also
   * be that of a manifest inside of a listed index.
   */
  async resolve(reference: string, options: StoreOptions = {}): Promise<Descriptor> {
    const roots = await this.roots(options);
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
      const which = [...digests].join(" or ");
      throw new ReferenceNotFoundError(
        reference,
        `${this.#where} has several; choose by digest: ${which}`,
      );
    }
    for await (const { descriptor } of this.#documents(options)) {
      if (descriptor.digest === digest) return descriptor;
    }
    throw new ReferenceNotFoundError(
      reference,
      `${this.#where} has ${names(roots).join(", ") || "no names; choose by digest: @sha256:…"}`,
    );
  }

  /** The manifests here, nested ones too, whose `subject` this is. */
  async referrers(subject: Descriptor, options: StoreOptions = {}): Promise<Descriptor[]> {
    this.#referrers ??= this.#findReferrers({}).catch((error) => {
      this.#referrers = undefined;
      throw error;
    });
    return (await abortable(this.#referrers, options.signal)).get(subject.digest) ?? [];
  }

  async #findReferrers(options: StoreOptions): Promise<Map<string, Descriptor[]>> {
    const referrers = new Map<string, Descriptor[]>();
    for await (const { descriptor, document } of this.#documents(options)) {
      if (!document?.subject) continue;
      const list = referrers.get(document.subject.digest) ?? [];
      list.push(referrerDescriptor(descriptor, document));
      referrers.set(document.subject.digest, list);
    }
    return referrers;
  }

  /** Every manifest and index that index.json leads to; without a document where it is missing. */
  async *#documents(
    options: StoreOptions,
  ): AsyncGenerator<{ descriptor: Descriptor; document?: Manifest | Index }> {
    const seen = new Set<string>();
    let level = await this.roots(options);
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
          // A layout may lack some of its images; whoever exports this one hears of it.
          if (!(error instanceof ArchiveError)) throw error;
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
