import { type Descriptor, type DigestAlgorithm, MediaType, type MemoryStore } from "../../mod.ts";
import { utf8 } from "./bytes.ts";

/** Where blobs are put: a MemoryStore, or a layout on disk. */
export type BlobSink = Pick<MemoryStore, "add">;

/** What a small image is made of. */
export interface ImageOptions {
  /**
   * The layers' bytes.
   * @default {one layer, "layer"}
   */
  layers?: readonly (Uint8Array | string)[];
  /**
   * The config's text.
   * @default {"{}"}
   */
  config?: string;
  /** Further fields of the manifest, or others in their stead. */
  fields?: Record<string, unknown>;
  /** @default {"sha256"} */
  algorithm?: DigestAlgorithm;
}

/** The descriptors of an image. */
export interface Image {
  manifest: Descriptor;
  config: Descriptor;
  layers: Descriptor[];
}

/** Adds a value as JSON. */
export function addJson(
  store: BlobSink,
  mediaType: string,
  value: unknown,
  algorithm?: DigestAlgorithm,
): Promise<Descriptor> {
  return store.add(mediaType, utf8(JSON.stringify(value)), algorithm);
}

/** Adds an image: its layers, its config and its manifest. */
export async function addImage(store: BlobSink, options: ImageOptions = {}): Promise<Image> {
  const { layers = ["layer"], config = "{}", fields, algorithm } = options;
  const image = {
    config: await store.add(MediaType.ImageConfig, utf8(config), algorithm),
    layers: await Promise.all(layers.map((layer) => {
      const bytes = typeof layer === "string" ? utf8(layer) : layer;
      return store.add(MediaType.ImageLayer, bytes, algorithm);
    })),
  };
  const manifest = await addJson(
    store,
    MediaType.ImageManifest,
    { schemaVersion: 2, mediaType: MediaType.ImageManifest, ...image, ...fields },
    algorithm,
  );
  return { manifest, ...image };
}

/** Adds an index. */
export function addIndex(
  store: BlobSink,
  manifests: readonly Descriptor[],
  algorithm?: DigestAlgorithm,
): Promise<Descriptor> {
  return addJson(
    store,
    MediaType.ImageIndex,
    { schemaVersion: 2, mediaType: MediaType.ImageIndex, manifests },
    algorithm,
  );
}
