import { createDigester } from "../content/digester.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { checkedBlobPath } from "../oci/digest.ts";
import { descriptorJson, encodeJson, type JsonValue } from "../oci/json.ts";
import { MediaType } from "../oci/media_type.ts";
import { familiarName } from "../oci/reference.ts";
import type { MadeEntry } from "./entries.ts";
import type { Image, Walk } from "./walk.ts";

/** The JSON files of an archive: `manifest.json` where there are images for it. */
export async function jsonFiles(
  { manifests, images }: Pick<Walk, "manifests" | "images">,
  { skipManifestJson }: { skipManifestJson?: boolean },
): Promise<MadeEntry[]> {
  const files = [
    await jsonFile("index.json", 0o644, () => indexJson(manifests)),
    await jsonFile("oci-layout", 0o444, () => ({ imageLayoutVersion: "1.0.0" })),
  ];
  if (images.length > 0 && !skipManifestJson) {
    files.push(await jsonFile("manifest.json", 0o644, () => imagesJson(images)));
  }
  return files;
}

/** Weighs and hashes a file. Its bytes are not kept: whoever reads it has them written anew. */
async function jsonFile(name: string, mode: number, value: () => JsonValue): Promise<MadeEntry> {
  const body = { [Symbol.iterator]: () => encodeJson(value()) };
  const digester = await createDigester("sha256");
  let size = 0;
  for (const piece of body) {
    size += piece.length;
    await digester.update(piece);
  }
  return { name, mode, size, body, digest: await digester.digest() };
}

function indexJson(manifests: readonly Descriptor[]): JsonValue {
  return {
    schemaVersion: 2,
    mediaType: MediaType.ImageIndex,
    manifests: descriptorsJson(manifests),
  };
}

function* descriptorsJson(descriptors: Iterable<Descriptor>): Generator<JsonValue> {
  for (const descriptor of descriptors) yield descriptorJson(descriptor);
}

function* imagesJson(images: Iterable<Image>): Generator<JsonValue> {
  for (const { manifest: { config, layers }, names } of images) {
    // An empty list is null: so Go writes it.
    yield {
      Config: checkedBlobPath(config.digest),
      RepoTags: names.length === 0 ? null : names.map(familiarName),
      Layers: layers.length === 0 ? null : layers.map(({ digest }) => checkedBlobPath(digest)),
    };
  }
}
