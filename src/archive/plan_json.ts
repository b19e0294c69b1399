import type { Descriptor } from "../oci/descriptor.ts";
import type { ArchiveEntry } from "./entries.ts";
import type { ArchivePlan } from "./plan.ts";

/** A plan without its bytes, to be written as JSON. */
export interface PlanJson {
  /** What index.json lists. */
  roots: readonly Descriptor[];
  /** Every entry, in the archive's order. */
  entries: EntryJson[];
  /** Bytes of the whole archive. */
  size: number;
  /** The archive's strong HTTP entity tag, quotes included. */
  etag: string;
}

/** An entry without its body. */
export interface EntryJson extends Omit<ArchiveEntry, "descriptor" | "body"> {
  /** The media type of the blob that is its body. */
  mediaType?: string;
  /** The digest of that blob. */
  digest?: string;
}

/** All that a plan says, for `inspect --json` and for pages. */
export function planJson({ manifests, entries, size, etag }: ArchivePlan): PlanJson {
  return {
    roots: manifests,
    entries: entries.map(({ name, type, mode, size, offset, bodyOffset, descriptor }) => ({
      name,
      type,
      mode,
      size,
      offset,
      bodyOffset,
      ...(descriptor && { mediaType: descriptor.mediaType, digest: descriptor.digest }),
    })),
    size,
    etag,
  };
}
