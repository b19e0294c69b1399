import { createDigester } from "../content/digester.ts";
import type { ContentStore } from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { TRAILER_SIZE } from "../tar/header.ts";
import { type ArchiveEntry, Entries } from "./entries.ts";
import { jsonFiles } from "./json_files.ts";
import { streamEntries, type StreamOptions } from "./stream.ts";
import type { ExportOptions, Root } from "./options.ts";
import { walk } from "./walk.ts";

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
   * @throws {RangeError} where `start` or `end` lie outside of the archive, or `verify` is none of its
   * words
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
 * @throws {TypeError | RangeError} where there is no store or no root, or an option is
 * out of range
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
  const walked = await walk(store, roots, options);
  const { manifests, blobs, algorithms } = walked;
  const directories = [...algorithms].map((algorithm) => `blobs/${algorithm}/`);
  if (directories.length > 0) directories.push("blobs/");
  const inOrder = new Entries(blobs, [
    ...await jsonFiles(walked, options),
    ...directories.map((name) => ({ name, mode: 0o755, size: 0 })),
  ]);
  const size = inOrder.end + TRAILER_SIZE;
  const { createDigester } = options;
  let entries: readonly ArchiveEntry[] | undefined;
  return {
    get entries() {
      return entries ??= [...inOrder];
    },
    manifests,
    size,
    etag: await entityTag(inOrder.contents),
    stream: (options) =>
      streamEntries(store, inOrder, size, {
        ...options,
        // An undefined one must not take the place of one that has to be used.
        createDigester: options?.createDigester ?? createDigester,
      }),
  };
}

/** A hash over all that decides the archive's bytes: digests, sizes, and what else headers say. */
async function entityTag(contents: Entries["contents"]): Promise<string> {
  const digester = await createDigester("sha256");
  const encoder = new TextEncoder();
  // Not a line at a time: a hash call costs more than the line. Always into the same bytes, since
  // the collector is slow to free what lies outside of its heap: 1,000 lines take 75 KiB at most.
  let lines: (string | number)[] = [];
  const bytes = new Uint8Array(128 << 10);
  const hashLines = async () => {
    const { written } = encoder.encodeInto(`${lines.join("\n")}\n`, bytes);
    await digester.update(bytes.subarray(0, written));
    lines = [];
  };
  for (const content of contents) {
    if ("name" in content) lines.push(`${content.mode} ${content.name}`);
    lines.push(content.digest ?? "", content.size);
    if (lines.length >= 1000) await hashLines();
  }
  await hashLines();
  return `"${await digester.digest()}"`;
}
