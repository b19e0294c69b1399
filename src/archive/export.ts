import type { ContentStore } from "../content/store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { planArchive } from "./plan.ts";
import { pullStream } from "./pull_stream.ts";
import type { StreamOptions } from "./stream.ts";
import type { ExportOptions, Root } from "./options.ts";

/**
 * Exports images as one archive, to the byte as containerd writes it. Returns at once; the walk
 * and the plan are made at the first pull, and blobs are opened one after the other as the stream
 * is read, each verified on the way. A failure errors the stream: an archive never just ends early.
 *
 * To know the size beforehand, or to read a part, use {@linkcode planArchive}.
 *
 * The stream errors with an {@linkcode ArchiveError} that names the blob, or the signal's reason.
 *
 * @param roots the manifests and indexes to export, with their names
 *
 * @example
 * ```ts
 * import { exportArchive, MediaType, MemoryStore } from "@oci/archive";
 *
 * const store = new MemoryStore();
 * const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
 * const config = await store.add(MediaType.ImageConfig, text({ os: "linux" }));
 * const root = await store.add(
 *   MediaType.ImageManifest,
 *   text({ schemaVersion: 2, config, layers: [] }),
 * );
 *
 * const archive = await new Response(exportArchive(store, [root])).arrayBuffer();
 * console.log(archive.byteLength % 512); // 0
 * ```
 */
export function exportArchive(
  store: ContentStore,
  roots: readonly (Descriptor | Root)[],
  options: ExportOptions & Pick<StreamOptions, "buffers" | "onProgress"> = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return pullStream(async function* (signal) {
    const plan = await planArchive(store, roots, { ...options, signal });
    const { buffers, onProgress } = options;
    const reader = plan.stream({ buffers, onProgress, signal }).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  }, options);
}
