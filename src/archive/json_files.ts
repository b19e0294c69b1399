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
  const digester = await createDigester("sha256");
  let size = 0;
  for (const piece of encodeJson(value())) {
    size += piece.length;
    await digester.update(piece);
  }
  const digest = await digester.digest();
  return { name, mode, size, digest, body: new JsonBody(digest, value) };
}

/** Bytes that are written when they are read. Those of one digest are equal to who compares plans. */
class JsonBody implements Iterable<Uint8Array> {
  readonly digest: string;
  #value: () => JsonValue;

  constructor(digest: string, value: () => JsonValue) {
    this.digest = digest;
    this.#value = value;
  }

  [Symbol.iterator](): Iterator<Uint8Array> {
    return encodeJson(this.#value());
  }
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
