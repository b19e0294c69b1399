import type { Root } from "../archive/options.ts";
import { ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME } from "../oci/annotation.ts";
import type { ContentStore, Roots } from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { formatReference, parseReference } from "../oci/reference.ts";

/** An image and the store that has it. */
export interface ServedImage {
  /** Where its blobs are. Give the same object each time: plans are shared by store. */
  store: ContentStore;
  /** Its manifest or index, with its names where the descriptor's annotations do not tell them. */
  root: Descriptor | Root;
}

/** What a resolver is told of the request. */
export interface ResolveOptions {
  /** The request that asks, such as for the credentials it brings. */
  request: Request;
}

/** Which images are served. */
export interface ImageSources {
  /** Stores of which every root is listed and served. */
  stores?: readonly (ContentStore & Roots)[] | undefined;
  /** Further images to list and serve. Asked at each request. */
  list?: (() => readonly ServedImage[] | Promise<readonly ServedImage[]>) | undefined;
  /**
   * Finds an image that is not listed, by its full name: `docker.io/library/alpine:3.20`. Asked
   * only for names on one of the `hosts`. Undefined where there is none. Plans are kept by store: a
   * new store each time has everything planned each time, so keep one for each repository.
   */
  resolve?:
    | ((
      reference: string,
      options: ResolveOptions,
    ) => ServedImage | undefined | Promise<ServedImage | undefined>)
    | undefined;
  /**
   * The registries whose names `resolve` may be asked for, such as `docker.io` or `localhost:5000`:
   * whoever can reach the handler can make it fetch from these.
   * @default {[]}
   */
  hosts?: readonly string[] | undefined;
}

/** An image under the name it is served by. */
export interface NamedImage extends ServedImage {
  name: string;
}

/** What a name that was asked for leads to. */
export interface FoundImage {
  /** The image's own name, which may be another: of a digest, or of a short name. */
  name: string;
  /** Gets it, which may ask the resolver; undefined where there is none. */
  get(): ServedImage | undefined | Promise<ServedImage | undefined>;
}

/** A name that may not be asked for: not allowed, or on a host that is none of the `hosts`. */
export class ForbiddenNameError extends Error {
  override readonly name = "ForbiddenNameError";
}

/** A name that a stored image has and that manifest.json cannot have. */
export class StoredNameError extends Error {
  override readonly name = "StoredNameError";
  constructor(cause: Error) {
    super(
      `${cause.message}. So the image is named where it is stored; ask with ?name=NAME for ` +
        "another name, or with ?skip-manifest-json",
      { cause },
    );
  }
}

/** The images that are listed, each name once; of two with the same name the first has it. */
export async function listImages({ stores = [], list }: ImageSources): Promise<NamedImage[]> {
  const ofStores = await Promise.all(
    stores.map(async (store) => (await store.roots()).map((root) => ({ store, root }))),
  );
  const images = [...ofStores.flat(), ...await list?.() ?? []];
  const named = new Map<string, NamedImage>();
  for (const image of images) {
    const name = imageName(image.root);
    // No URL can have half of a surrogate pair.
    const usable = !named.has(name) && name.isWellFormed();
    const free = usable ? name : descriptorOf(image.root).digest;
    if (!named.has(free)) named.set(free, { ...image, name: free });
  }
  return [...named.values()];
}

/**
 * The image of this name: a listed one, by its name or its digest, else what the resolver finds.
 * Nothing is asked of the resolver yet.
 *
 * @throws {ForbiddenNameError} where the resolver may not be asked
 * @throws {InvalidReferenceError} where it could be, had the name a meaning
 */
export async function findImage(
  name: string,
  sources: ImageSources,
  options: ResolveOptions,
): Promise<FoundImage> {
  const images = await listImages(sources);
  const listed = images.find((image) => image.name === name) ??
    images.find(({ root }) => descriptorOf(root).digest === name);
  if (listed) return { name: imageName(listed.root), get: () => listed };
  const { resolve, hosts } = sources;
  if (!resolve) return { name, get: () => undefined };
  const reference = parseReference(name);
  if (!hosts?.includes(reference.domain)) {
    throw new ForbiddenNameError(`Names on ${reference.domain} may not be asked for here`);
  }
  // In full, so that what has been checked is what gets asked.
  const full = formatReference(reference);
  return { name: full, get: () => resolve(full, options) };
}

/** The image's full name where the root has one, else its reference name, else its digest. */
export function imageName(root: Descriptor | Root): string {
  const { annotations = {}, digest } = descriptorOf(root);
  const [given] = "descriptor" in root ? root.names ?? [] : [];
  return given || annotations[ANNOTATION_IMAGE_NAME] || annotations[ANNOTATION_REF_NAME] || digest;
}

/** The descriptor of a root, under whichever form. */
export function descriptorOf(root: Descriptor | Root): Descriptor {
  return "descriptor" in root ? root.descriptor : root;
}
