import { InvalidManifestError, quote } from "../errors.ts";
import { type Descriptor, parseAnnotations, parseDescriptor } from "./descriptor.ts";
import { duplicateKey } from "./duplicate_key.ts";
import { isIndexType, isManifestType } from "./media_type.ts";
import { FieldNames, isJsonObject, type JsonObject, kindOf } from "./parse_json.ts";
import { decodeUtf8 } from "./utf8.ts";

/** What a manifest and an index have in common. */
export interface ManifestFields {
  /** The media type it claims for itself, where it does. */
  mediaType?: string;
  /** The type of the artifact. */
  artifactType?: string;
  /** The manifest that this one refers to. */
  subject?: Descriptor;
  /** Free text by key. */
  annotations?: Record<string, string>;
}

/** An image manifest: [image spec, "Image Manifest"](https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md). */
export interface Manifest extends ManifestFields {
  /** The image's configuration. */
  config: Descriptor;
  /** Its layers, the base first. */
  layers: Descriptor[];
}

/** An image index: [image spec, "Image Index"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md). */
export interface Index extends ManifestFields {
  /** The manifests it lists, in order. */
  manifests: Descriptor[];
}

const FIELDS = new FieldNames(
  "schemaVersion",
  "mediaType",
  "artifactType",
  "config",
  "layers",
  "manifests",
  "subject",
  "annotations",
  "fsLayers",
);

/**
 * Reads an image manifest, OCI's or Docker's. One that is also an index is refused: two readers
 * could take it for two different images (CVE-2021-41190).
 *
 * Source: [image spec, "Image Manifest"](https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md).
 *
 * @param digest the manifest's digest, for errors
 * @throws {InvalidManifestError} where the document is no image manifest
 * @throws {InvalidDescriptorError} where a descriptor in it is broken
 *
 * @example
 * ```ts
 * import { MediaType, MemoryStore, parseManifest, readBlob } from "@oci/archive";
 *
 * const store = new MemoryStore();
 * const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
 * const config = await store.add(MediaType.ImageConfig, text({ os: "linux" }));
 * const root = await store.add(
 *   MediaType.ImageManifest,
 *   text({ schemaVersion: 2, config, layers: [] }),
 * );
 *
 * const manifest = parseManifest(await readBlob(store, root), root.digest);
 * console.log(manifest.config.digest === config.digest); // true
 * ```
 */
export function parseManifest(bytes: Uint8Array, digest: string): Manifest {
  return readManifest(parseDocument(bytes, digest), digest);
}

function readManifest(json: JsonObject, digest: string): Manifest {
  if (Object.hasOwn(json, "manifests")) {
    throw new InvalidManifestError(digest, "manifests", "belongs to an index, not to a manifest");
  }
  if (isIndexType(json.mediaType as string)) {
    throw new InvalidManifestError(digest, "mediaType", "is that of an index");
  }
  if (!isJsonObject(json.config)) {
    throw new InvalidManifestError(digest, "config", "must be a descriptor");
  }
  return {
    ...parseCommon(json, digest),
    config: parseDescriptor(json.config, `manifest ${digest} config`),
    layers: parseDescriptors(json, "layers", digest),
  };
}

/**
 * Reads an image index or a Docker manifest list. One that is also a manifest is refused.
 *
 * Source: [image spec, "Image Index"](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md).
 *
 * @param digest the index's digest, for errors
 * @throws {InvalidManifestError} where the document is no index
 * @throws {InvalidDescriptorError} where a descriptor in it is broken
 *
 * @example
 * ```ts
 * import { parseIndex } from "@oci/archive";
 *
 * const bytes = new TextEncoder().encode('{"schemaVersion":2,"manifests":[]}');
 * console.log(parseIndex(bytes, "index.json").manifests); // []
 * ```
 */
export function parseIndex(bytes: Uint8Array, digest: string): Index {
  return readIndex(parseDocument(bytes, digest), digest);
}

function readIndex(json: JsonObject, digest: string): Index {
  for (const field of ["config", "layers"]) {
    if (Object.hasOwn(json, field)) {
      throw new InvalidManifestError(digest, field, "belongs to a manifest, not to an index");
    }
  }
  if (isManifestType(json.mediaType as string)) {
    throw new InvalidManifestError(digest, "mediaType", "is that of a manifest");
  }
  return {
    ...parseCommon(json, digest),
    manifests: parseDescriptors(json, "manifests", digest),
  };
}

/**
 * Reads a document whose media type nobody has told: a manifest has a config or layers.
 *
 * @throws as {@linkcode parseIndex} or {@linkcode parseManifest}
 */
export function parseManifestOrIndex(bytes: Uint8Array, digest: string): Manifest | Index {
  const json = parseDocument(bytes, digest);
  const isManifest = !Object.hasOwn(json, "manifests") &&
    (Object.hasOwn(json, "config") || Object.hasOwn(json, "layers"));
  return isManifest ? readManifest(json, digest) : readIndex(json, digest);
}

/** The descriptor by which a referrer is listed: [distribution spec, "Listing Referrers"](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers). */
export function referrerDescriptor(
  { mediaType, digest, size }: Descriptor,
  document: Manifest | Index,
): Descriptor {
  const { annotations } = document;
  const config = "config" in document ? document.config.mediaType : undefined;
  const artifactType = document.artifactType ?? config;
  return {
    mediaType,
    digest,
    size,
    ...(annotations && { annotations }),
    ...(artifactType && { artifactType }),
  };
}

function parseDocument(bytes: Uint8Array, digest: string): JsonObject {
  const text = decodeUtf8(bytes);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InvalidManifestError(digest, "", "is not JSON", { cause });
  }
  if (!isJsonObject(json)) throw new InvalidManifestError(digest, "", "is not a JSON object");
  const twice = duplicateKey(text, json);
  if (twice !== undefined) {
    throw new InvalidManifestError(
      digest,
      quote(twice),
      "stands twice in one object: programs differ in which of the two they read, or read both",
    );
  }
  const found = FIELDS.misspelled(json);
  if (found) {
    throw new InvalidManifestError(
      digest,
      quote(found.key),
      `must be written ${quote(found.field)}: programs differ in whether they read it as that`,
    );
  }
  if (Object.hasOwn(json, "fsLayers")) {
    throw new InvalidManifestError(
      digest,
      "fsLayers",
      "belongs to Docker's schema 1, which has no digests for an archive; push the image anew",
    );
  }
  const version = json.schemaVersion;
  // containerd reads documents without a version too.
  if (version !== undefined && version !== 2) {
    const found = typeof version === "number" ? version : kindOf(version);
    throw new InvalidManifestError(digest, "schemaVersion", `must be 2, not ${found}`);
  }
  return json;
}

function parseCommon(json: JsonObject, digest: string): ManifestFields {
  const document: ManifestFields = {};
  for (const field of ["mediaType", "artifactType"] as const) {
    const value = json[field];
    if (value == null) continue;
    if (typeof value !== "string") {
      throw new InvalidManifestError(digest, field, "must be a string");
    }
    if (value !== "") document[field] = value;
  }
  if (json.subject != null) {
    document.subject = parseDescriptor(json.subject, `manifest ${digest} subject`);
  }
  const annotations = parseAnnotations(json.annotations, `manifest ${digest}`);
  if (annotations) document.annotations = annotations;
  return document;
}

function parseDescriptors(json: JsonObject, field: string, digest: string): Descriptor[] {
  const list = json[field] ?? [];
  if (!Array.isArray(list)) throw new InvalidManifestError(digest, field, "must be an array");
  return list.map((item, i) => parseDescriptor(item, () => `manifest ${digest} ${field}[${i}]`));
}
