import {
  BlobNotFoundError,
  LimitError,
  nameOf,
  NotAManifestError,
  PlatformNotFoundError,
} from "../errors.ts";
import { abortable } from "../content/abortable.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { hasBlob, readBlob, type ReadOptions } from "../content/read.ts";
import type { ContentStore, Existence, Labels, Referrers } from "../content/store.ts";
import {
  ANNOTATION_IMAGE_NAME,
  ANNOTATION_REF_NAME,
  ANNOTATION_SUBJECT,
} from "../oci/annotation.ts";
import { type Descriptor, parseDescriptor, type Platform } from "../oci/descriptor.ts";
import { type Manifest, parseIndex, parseManifest } from "../oci/manifest.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { formatPlatform, matchPlatforms, type PlatformMatcher } from "../oci/platform.ts";
import { referenceName } from "../oci/reference.ts";
import { inOrder } from "./in_order.ts";
import { MetBlobs } from "./met_blobs.ts";
import { checkExportOptions, type ExportOptions, type Root, wantedPlatforms } from "./options.ts";

/** Labels that tell where a blob came from begin with this. */
const LABEL_SOURCE = "containerd.io/distribution.source";

/** A root or a chosen platform of one, as `docker load` sees it in manifest.json. */
export interface Image {
  manifest: Manifest;
  names: string[];
}

/** What a walk finds. */
export interface Walk {
  /** What index.json lists: the roots by name, then referrers that stand nowhere else. */
  manifests: Descriptor[];
  /** What manifest.json lists, in the order of the roots. */
  images: Image[];
  /** Every blob, by digest. */
  blobs: ReadonlyMap<string, Descriptor>;
  /** The digest algorithms that get a directory. */
  algorithms: Set<string>;
}

/**
 * Walks from the roots to every descriptor. Reads manifests and indexes only, each verified before
 * it steers; several at a time, with the outcome of one at a time.
 */
export async function walk(
  store: ContentStore,
  roots: readonly (Descriptor | Root)[],
  options: ExportOptions = {},
): Promise<Walk> {
  checkArguments(store, roots);
  checkExportOptions(options);
  // Ends the reads that are still under way when one has failed.
  const controller = new AbortController();
  const { signal } = options;
  const abort = () => controller.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort);
  try {
    return await new Walker(store, { ...options, signal: controller.signal }).walk(roots);
  } finally {
    signal?.removeEventListener("abort", abort);
    controller.abort();
  }
}

/** @throws {TypeError} in words of the call: not everybody calls from TypeScript */
function checkArguments(store: ContentStore, roots: readonly (Descriptor | Root)[]): void {
  if (typeof (store as ContentStore | undefined)?.open !== "function") {
    throw new TypeError(`Cannot export: expected a store with open(), found ${nameOf(store)}`);
  }
  if (!Array.isArray(roots)) {
    throw new TypeError(`Cannot export: expected an array of roots, found ${nameOf(roots)}`);
  }
  if (roots.length === 0) throw new TypeError("Cannot export: there are no roots");
}

class Walker {
  #store: ContentStore & Partial<Existence & Labels & Referrers>;
  #options: ExportOptions;
  #concurrency: number;
  #platforms: PlatformMatcher | undefined;
  #wanted: Platform[];
  #blobs: MetBlobs;
  #reading: ReadOptions & { buffers: BufferPool };
  #visitedManifests = new Set<string>();
  #visitedIndexes = new Set<string>();
  #manifests = new Map<string, Promise<Manifest>>();
  #images = new Map<string, Image>();
  /** By root index, the digest of its image in manifest.json. */
  #chosen = new Map<string, string | undefined>();

  constructor(store: ContentStore, options: ExportOptions) {
    this.#store = store;
    this.#options = options;
    this.#blobs = new MetBlobs(options);
    // Manifests are read into the same bytes: the collector is slow to free 10,000 buffers.
    this.#reading = { ...options, buffers: new BufferPool(64 << 10) };
    this.#concurrency = options.concurrency ?? 8;
    this.#wanted = wantedPlatforms(options);
    if (this.#wanted.length > 0) this.#platforms = matchPlatforms(this.#wanted);
  }

  async walk(roots: readonly (Descriptor | Root)[]): Promise<Walk> {
    const manifests: Descriptor[] = [];
    for (const [i, root] of roots.entries()) {
      for (const descriptor of await this.#name(root, `roots[${i}]`)) {
        manifests.push(descriptor);
        await this.#visitRoot(descriptor);
      }
    }
    const { exported, algorithms, referrers } = this.#blobs;
    return {
      manifests: [...manifests, ...referrers],
      images: [...this.#images.values()],
      blobs: exported,
      algorithms,
    };
  }

  /** The root's descriptors in index.json: one a name, with the store's source labels. */
  async #name(root: Descriptor | Root, where: string): Promise<Descriptor[]> {
    const isNamed = typeof root === "object" && root !== null && "descriptor" in root;
    const { descriptor: given, names = [] } = isNamed ? root : { descriptor: root };
    const descriptor = parseDescriptor(given, where);
    if (!Array.isArray(names) || !names.every((name) => typeof name === "string" && name !== "")) {
      throw new TypeError(
        `Cannot export ${where}: expected names to be an array of strings, none of them empty`,
      );
    }
    const { signal } = this.#options;
    const labels = this.#store.labels
      ? await abortable(this.#store.labels(descriptor, { signal }), signal)
      : {};
    const sources = Object.entries(labels).filter(([key]) => key.startsWith(LABEL_SOURCE));
    const annotate = (annotations: [string, string][]): Descriptor =>
      annotations.length === 0 ? descriptor : {
        ...descriptor,
        annotations: { ...descriptor.annotations, ...Object.fromEntries(annotations) },
      };
    if (names.length === 0) return [annotate(sources)];
    return names.map((name) =>
      annotate([
        [ANNOTATION_IMAGE_NAME, name],
        [ANNOTATION_REF_NAME, referenceName(name)],
        ...sources,
      ])
    );
  }

  async #visitRoot(root: Descriptor): Promise<void> {
    const { digest, mediaType } = root;
    if (isManifestType(mediaType)) {
      if (!this.#images.has(digest)) {
        // Read here first: a root that is missing is an error, whatever may be missing else.
        const manifest = await this.#manifest(root);
        await this.#visitAll([root], 0);
        this.#images.set(digest, { manifest, names: [] });
      }
      this.#addName(digest, root);
    } else if (isIndexType(mediaType)) {
      if (!this.#chosen.has(digest)) this.#chosen.set(digest, await this.#visitRootIndex(root));
      const chosen = this.#chosen.get(digest);
      if (chosen !== undefined) this.#addName(chosen, root);
    } else {
      throw new NotAManifestError(digest, mediaType);
    }
    this.#blobs.standsInTree(digest);
  }

  #addName(digest: string, root: Descriptor): void {
    const name = root.annotations?.[ANNOTATION_IMAGE_NAME];
    const image = this.#images.get(digest);
    if (!name || !image) return;
    // Most have one name, and the first push() into an empty list makes room for 17.
    if (image.names.length === 0) image.names = [name];
    else image.names.push(name);
  }

  /** Visits what is wanted of a root index; returns the digest of its image for manifest.json. */
  async #visitRootIndex(root: Descriptor): Promise<string | undefined> {
    this.#blobs.meetRootIndex(root);
    const { manifests } = await this.#read(root, parseIndex);
    const platforms = this.#platforms;
    const isCandidate = ({ platform }: Descriptor) => !platform || platforms?.matches(platform);
    const wanted = platforms && !this.#options.allPlatforms
      ? manifests.filter(isCandidate)
      : manifests;
    if (platforms && !manifests.some(isCandidate)) {
      throw new PlatformNotFoundError(
        root.digest,
        this.#wanted.map(formatPlatform),
        manifests.flatMap(({ platform }) => platform ? [formatPlatform(platform)] : []),
      );
    }
    await this.#visitAll([...wanted, ...await this.#referrersOf(root)], 1);
    if (!platforms || this.#options.skipManifestJson) return undefined;
    const [best] = manifests.filter(isCandidate).sort(({ platform: a }, { platform: b }) =>
      a && b ? platforms.compare(a, b) : Number(!a) - Number(!b)
    );
    const { digest } = best!;
    // Under names of its own it had an image already: containerd forgets those, and so our bytes do.
    this.#images.set(digest, { manifest: await this.#manifest(best!), names: [] });
    return digest;
  }

  /** Visits descriptors and all below them, depth first, in order. */
  async #visitAll(descriptors: readonly Descriptor[], depth: number): Promise<void> {
    const { maxDepth = 32 } = this.#options;
    const [first] = descriptors;
    if (first && depth > maxDepth) {
      const what = `blob ${first.digest}, ${depth} levels below its root`;
      throw new LimitError(what, "maxDepth", maxDepth);
    }
    for (const descriptor of descriptors) this.#blobs.meet(descriptor);
    const documents = descriptors.filter(({ mediaType }) =>
      isManifestType(mediaType) || isIndexType(mediaType)
    );
    const children = (descriptor: Descriptor) => this.#children(descriptor);
    for await (const below of inOrder(documents, this.#concurrency, children)) {
      if (below.length > 0) await this.#visitAll(below, depth + 1);
    }
  }

  /** The children of a manifest or an index; none where they have been visited. */
  async #children(descriptor: Descriptor): Promise<readonly Descriptor[]> {
    const { digest, mediaType } = descriptor;
    const isManifest = isManifestType(mediaType);
    // By type too: the same bytes may be an index for somebody else.
    const visited = isManifest ? this.#visitedManifests : this.#visitedIndexes;
    if (visited.has(digest)) return [];
    visited.add(digest);
    const children = isManifest
      ? await this.#manifestChildren(descriptor)
      : (await this.#read(descriptor, parseIndex)).manifests;
    if (children) return [...children, ...await this.#referrersOf(descriptor)];
    this.#blobs.forget(digest);
    return [];
  }

  /** A manifest's children; undefined where it is missing and may be. */
  async #manifestChildren(descriptor: Descriptor): Promise<readonly Descriptor[] | undefined> {
    const { skipMissing } = this.#options;
    try {
      const { config, layers } = await this.#manifest(descriptor);
      const children = [config, ...layers];
      if (!skipMissing) return children;
      const has = (child: Descriptor) => hasBlob(this.#store, child, this.#options);
      for await (const there of inOrder(children, this.#concurrency, has)) {
        if (!there) return [];
      }
      return children;
    } catch (error) {
      const missing = error instanceof BlobNotFoundError && error.digest === descriptor.digest;
      if (skipMissing && missing) return undefined;
      throw error;
    }
  }

  #manifest(descriptor: Descriptor): Promise<Manifest> {
    const { digest } = descriptor;
    const known = this.#manifests.get(digest);
    if (known) return known;
    const manifest = this.#read(descriptor, parseManifest);
    this.#manifests.set(digest, manifest);
    return manifest;
  }

  async #read<Document>(
    descriptor: Descriptor,
    parse: (bytes: Uint8Array, digest: string) => Document,
  ): Promise<Document> {
    const bytes = await readBlob(this.#store, descriptor, this.#reading);
    const document = parse(bytes, descriptor.digest);
    this.#reading.buffers.give(bytes);
    return document;
  }

  async #referrersOf(subject: Descriptor): Promise<Descriptor[]> {
    const { referrers: wanted, signal } = this.#options;
    if (!wanted || !this.#store.referrers) return [];
    const referrers = await abortable(this.#store.referrers(subject, { signal }), signal);
    return referrers.map((referrer) => ({
      ...parseDescriptor(referrer, `the referrers of ${subject.digest}`),
      annotations: { ...referrer.annotations, [ANNOTATION_SUBJECT]: subject.digest },
    }));
  }
}
