import { inOrder } from "../archive/in_order.ts";
import { Limiter } from "../content/limiter.ts";
import { readBlob } from "../content/read.ts";
import type { ContentStore, Referrers, StoreOptions } from "../content/store.ts";
import { ArchiveError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { parseIndex, parseManifest } from "../oci/manifest.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { formatPlatform, normalizePlatform } from "../oci/platform.ts";

/** A blob of an image, and what it refers to. */
export interface ImageNode {
  /** What it is to the one above it. */
  role: "root" | "manifest" | "config" | "layer" | "referrer";
  mediaType: string;
  digest: string;
  /** Its own size in bytes, without those below. */
  size: number;
  /** As a normalised specifier, by which it can be asked for: `linux/arm64`. */
  platform?: string;
  artifactType?: string;
  annotations?: Record<string, string>;
  /** In order; referrers come last. None for configs and layers. */
  children?: ImageNode[];
  /** Why there are no children, or not all of them. */
  problem?: { code: string; detail: string };
}

/** How far to read. */
export interface ImageTreeOptions extends StoreOptions {
  /**
   * How many nodes to list at most.
   * @default {10000}
   */
  maxNodes?: number;
}

const MAX_DEPTH = 32;
const CONCURRENCY = 8;

/**
 * Reads all that there is below a root: every platform, and every referrer that the store knows. No
 * config and no layer is read. A manifest below the root that cannot be read is listed with the
 * problem, since an archive of the others may still be wanted.
 *
 * @throws {ArchiveError} where the root itself cannot be read
 */
export function readImageTree(
  store: ContentStore & Partial<Referrers>,
  root: Descriptor,
  options: ImageTreeOptions = {},
): Promise<ImageNode> {
  return new TreeReader(store, options).read(root, "root", 0);
}

class TreeReader {
  #store: ContentStore & Partial<Referrers>;
  #options: StoreOptions;
  #left: number;
  /** For all levels: each has its own children under way. */
  #limiter = new Limiter(CONCURRENCY);

  constructor(
    store: ContentStore & Partial<Referrers>,
    { maxNodes = 10_000, ...options }: ImageTreeOptions,
  ) {
    this.#store = store;
    this.#options = options;
    this.#left = maxNodes;
  }

  async read(
    descriptor: Descriptor,
    role: ImageNode["role"],
    depth: number,
  ): Promise<ImageNode> {
    const { mediaType, digest, size, platform, artifactType, annotations } = descriptor;
    const node: ImageNode = { role, mediaType, digest, size };
    if (platform) node.platform = formatPlatform(normalizePlatform(platform));
    if (artifactType) node.artifactType = artifactType;
    if (annotations) node.annotations = annotations;
    if (!isIndexType(mediaType) && !isManifestType(mediaType)) return node;
    try {
      const children = [
        ...await this.#childrenOf(node, descriptor),
        ...await this.#referrersOf(node, descriptor),
      ];
      await this.#descend(node, children, depth);
    } catch (error) {
      if (role === "root" || !(error instanceof ArchiveError)) throw error;
      node.problem = problem(error);
    }
    return node;
  }

  async #childrenOf(node: ImageNode, descriptor: Descriptor): Promise<Child[]> {
    const bytes = await this.#limiter.run(
      () => readBlob(this.#store, descriptor, this.#options),
      this.#options,
    );
    if (isIndexType(node.mediaType)) {
      const { manifests } = parseIndex(bytes, node.digest);
      return manifests.map((child) => ({ descriptor: child, role: "manifest" }));
    }
    const { config, layers, artifactType } = parseManifest(bytes, node.digest);
    if (node.role === "referrer") node.artifactType ||= artifactType ?? config.mediaType;
    return [
      { descriptor: config, role: "config" },
      ...layers.map((layer): Child => ({ descriptor: layer, role: "layer" })),
    ];
  }

  async #referrersOf(node: ImageNode, descriptor: Descriptor): Promise<Child[]> {
    try {
      const referrers = await this.#limiter.run(
        async () => await this.#store.referrers?.(descriptor, this.#options) ?? [],
        this.#options,
      );
      return referrers.map((child) => ({ descriptor: child, role: "referrer" }));
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      node.problem = problem(error);
      return [];
    }
  }

  async #descend(node: ImageNode, children: readonly Child[], depth: number): Promise<void> {
    const listed = depth < MAX_DEPTH ? children.slice(0, this.#left) : [];
    this.#left -= listed.length;
    if (listed.length < children.length) {
      const left = children.length - listed.length;
      node.problem = { code: "LimitError", detail: `${left} more below it are not listed` };
    }
    node.children = [];
    const read = ({ descriptor, role }: Child) => this.read(descriptor, role, depth + 1);
    for await (const child of inOrder(listed, CONCURRENCY, read)) node.children.push(child);
  }
}

interface Child {
  descriptor: Descriptor;
  role: ImageNode["role"];
}

function problem({ name, message }: ArchiveError): ImageNode["problem"] {
  return { code: name, detail: message };
}
