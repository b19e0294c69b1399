import { type Descriptor, MediaType } from "../../mod.ts";
import { utf8 } from "./bytes.ts";
import { addJson, type BlobSink } from "./image.ts";

/** Which options the archive of {@linkcode MANY_PLATFORMS} was written with. */
export const MANY_PLATFORMS_ARGS: readonly string[] = [
  "--platform",
  "linux/amd64",
  "--all-platforms",
];
/** The SHA-256 of what containerd makes of {@linkcode addManyPlatforms}. */
export const MANY_PLATFORMS = "5d2cded9d64f0c323867a75fa7c51cbff748d48882d8b37cf5008f86d82b466e";

/** Makes an index of 1500 platforms, one of them linux/amd64; its images share three layers. */
export async function addManyPlatforms(store: BlobSink): Promise<Descriptor> {
  const layers = await Promise.all(
    ["one", "two", "three"].map((layer) => store.add(MediaType.ImageLayer, utf8(layer))),
  );
  const manifests = await Promise.all(Array.from({ length: 1500 }, async (_, i) => {
    const config = await addJson(store, MediaType.ImageConfig, { i });
    const manifest = await addJson(store, MediaType.ImageManifest, {
      schemaVersion: 2,
      config,
      layers: [layers[i % 3]],
    });
    return { ...manifest, platform: { architecture: i === 700 ? "amd64" : `a${i}`, os: "linux" } };
  }));
  return await addJson(store, MediaType.ImageIndex, { schemaVersion: 2, manifests });
}
