import { createDigester } from "../content/digester.ts";
import type { ContentStore } from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { checkedBlobPath } from "../oci/digest.ts";
import { descriptorJson, encodeJson, type JsonValue } from "../oci/json.ts";
import { MediaType } from "../oci/media_type.ts";
import { familiarName } from "../oci/reference.ts";
import { TRAILER_SIZE } from "../tar/header.ts";
import { type ArchiveEntry, Entries, type MadeEntry } from "./entries.ts";
import { streamEntries, type StreamOptions } from "./stream.ts";
import type { ExportOptions, Root } from "./options.ts";
import { type Image, walk } from "./walk.ts";

/**
 * An archive as a value: all about it but the bytes of its layers, which are read when somebody
 * reads the stream. Plans of the same roots and options are equal, on every runtime, every day.
 */
export interface ArchivePlan {
  /** Every entry, in the archive's order. */
  readonly entries: readonly ArchiveEntry[];
  /** What index.json lists. */
  readonly manifests: readonly Descriptor[];
  /** Bytes of the whole archive. */
  readonly size: number;
  /** A strong HTTP entity tag, quotes included: two archives with the same one are the same bytes. */
  readonly etag: string;
  /**
   * The archive's bytes, or a part of them, each blob verified on the way. Nothing is read before
   * the first pull. May be called many times, at the same time too.
   *
   * @throws {RangeError} where `start` or `end` lie outside of the archive
   */
  stream(options?: StreamOptions): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Plans an archive: reads manifests and indexes, each verified, and lays out every entry.
 *
 * @param roots the manifests and indexes to export, with their names
 * @throws {BlobNotFoundError} where a manifest is missing
 * @throws {PlatformNotFoundError} where an index has none of the platforms
 * @throws {ArchiveError} for any other trouble with what the store holds
 * @throws {TypeError} where there are no roots
 *
 * @example
 * ```ts
 * import { MediaType, MemoryStore, planArchive } from "@oci/archive";
 *
 * const store = new MemoryStore();
 * const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
 * const config = await store.add(MediaType.ImageConfig, text({ os: "linux" }));
 * const root = await store.add(
 *   MediaType.ImageManifest,
 *   text({ schemaVersion: 2, config, layers: [] }),
 * );
 *
 * const plan = await planArchive(store, [{ descriptor: root, names: ["docker.io/library/app:1.0"] }]);
 * console.log(plan.size, plan.etag);
 * for (const { name, size, offset } of plan.entries) console.log(offset, size, name);
 * ```
 */
export async function planArchive(
  store: ContentStore,
  roots: readonly (Descriptor | Root)[],
  options: ExportOptions = {},
): Promise<ArchivePlan> {
  const { manifests, images, blobs, algorithms } = await walk(store, roots, options);
  const made: MadeEntry[] = [
    { name: "index.json", mode: 0o644, body: indexJson(manifests) },
    { name: "oci-layout", mode: 0o444, body: encodeJson({ imageLayoutVersion: "1.0.0" }) },
  ];
  if (images.length > 0 && !options.skipManifestJson) {
    made.push({ name: "manifest.json", mode: 0o644, body: manifestJson(images) });
  }
  if (algorithms.size > 0) made.push({ name: "blobs/", mode: 0o755 });
  for (const algorithm of algorithms) made.push({ name: `blobs/${algorithm}/`, mode: 0o755 });
  const inOrder = new Entries(blobs, made);
  const size = inOrder.end + TRAILER_SIZE;
  const { createDigester } = options;
  let entries: readonly ArchiveEntry[] | undefined;
  return {
    get entries() {
      return entries ??= [...inOrder];
    },
    manifests,
    size,
    etag: await entityTag(inOrder),
    stream: (options) => streamEntries(store, inOrder, size, { createDigester, ...options }),
  };
}

/** Bytes to make room for in JSON, for each descriptor in full and for each path. */
const DESCRIPTOR_ROOM = 512;
const PATH_ROOM = 96;

function indexJson(manifests: readonly Descriptor[]): Uint8Array<ArrayBuffer> {
  return encodeJson({
    schemaVersion: 2,
    mediaType: MediaType.ImageIndex,
    manifests: descriptorsJson(manifests),
  }, DESCRIPTOR_ROOM * (1 + manifests.length));
}

function* descriptorsJson(descriptors: Iterable<Descriptor>): Generator<JsonValue> {
  for (const descriptor of descriptors) yield descriptorJson(descriptor);
}

function manifestJson(images: readonly Image[]): Uint8Array<ArrayBuffer> {
  const paths = images.reduce((sum, { manifest }) => sum + 2 + manifest.layers.length, 0);
  return encodeJson(imagesJson(images), PATH_ROOM * paths);
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

/** A hash over all that decides the archive's bytes: digests and sizes, and what is no blob itself. */
async function entityTag(entries: Iterable<ArchiveEntry>): Promise<string> {
  const digester = await createDigester("sha256");
  const encoder = new TextEncoder();
  // Not a line at a time: a hash call costs more than the line.
  const lines: (string | number)[] = [];
  for (const entry of entries) {
    const { size, descriptor, body } = entry;
    lines.push(descriptor ? descriptor.digest : `${entry.mode} ${entry.name}`, size);
    if (body || lines.length >= 1000) {
      await digester.update(encoder.encode(`${lines.splice(0).join("\n")}\n`));
    }
    if (body) await digester.update(body);
  }
  return `"${await digester.digest()}"`;
}
