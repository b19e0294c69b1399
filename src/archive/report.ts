/**
 * What kind of finding it is. Problems: the `tar` itself; an entry's `name`, `type` or `size`; a
 * `duplicate`; a `digest` that is another; a `layout` file or a `document` that is not what it should
 * be; a blob that is `missing`; indexes of too much `depth`. Warnings: a `stray` that nothing leads
 * to; an image that is `incomplete`, lacks `foreign` layers or `platforms`.
 */
export type FindingCode =
  | "depth"
  | "digest"
  | "document"
  | "duplicate"
  | "foreign"
  | "incomplete"
  | "layout"
  | "missing"
  | "name"
  | "platforms"
  | "size"
  | "stray"
  | "tar"
  | "type";

/** One thing that is wrong, or worth knowing. */
export interface ArchiveFinding {
  /** What kind of thing, for programs. */
  code: FindingCode;
  /** The entry or digest it is about. */
  name: string;
  /** The same for people. */
  message: string;
}

/** What a reading of an archive found. */
export interface ArchiveReport {
  /** Whether there are no problems. */
  ok: boolean;
  /** Bytes read, the trailer included. */
  size: number;
  /** Entries in the tar, directories included. */
  entries: number;
  /** Blobs whose digest was checked. */
  blobs: number;
  /** The images' names by index.json; a digest for one that has none. */
  images: string[];
  /** What makes the archive unfit: damage, missing blobs, broken references. */
  problems: ArchiveFinding[];
  /** What is allowed and still worth knowing: strays, platforms that were left out. */
  warnings: ArchiveFinding[];
}
