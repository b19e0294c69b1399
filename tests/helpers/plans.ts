import {
  type ArchiveEntry,
  type ArchivePlan,
  type Descriptor,
  MediaType,
  MemoryStore,
} from "../../mod.ts";
import { noise, utf8 } from "./bytes.ts";
import { addImage } from "./image.ts";

/** A store and the one root in it. */
export interface RootedImage {
  memory: MemoryStore;
  root: Descriptor;
}

/** An image of a few KiB with every kind of entry: empty, whole blocks, a sha512 name. */
export async function smallImage(): Promise<RootedImage> {
  const memory = new MemoryStore();
  const { layers } = await addImage(memory, { layers: ["", "x", noise(512)] });
  const sha512 = await memory.add(MediaType.ImageLayer, utf8("by another hash"), "sha512");
  const { manifest } = await addImage(memory, {
    layers: [],
    fields: { layers: [...layers, sha512] },
  });
  return { memory, root: manifest };
}

/** An image whose layers have these sizes. */
export async function imageOf(...sizes: number[]): Promise<RootedImage> {
  const memory = new MemoryStore();
  const layers = sizes.map((size, i) => noise(size, i + 1));
  return { memory, root: (await addImage(memory, { layers })).manifest };
}

/** A plan's entries that are blobs. */
export function blobEntries(plan: ArchivePlan): ArchiveEntry[] {
  return plan.entries.filter(({ descriptor }) => descriptor);
}

/** The blob of this size. */
export function entryOf(plan: ArchivePlan, size: number): ArchiveEntry {
  return blobEntries(plan).find((entry) => entry.size === size)!;
}

/** Calls back for each chunk of the whole archive, with its place. */
export async function eachChunk(
  plan: ArchivePlan,
  callback: (chunk: Uint8Array<ArrayBuffer>, at: number) => void,
): Promise<number> {
  const reader = plan.stream().getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return at;
    const { length } = value;
    callback(value, at);
    at += length;
  }
}
