import {
  type ArchiveFinding,
  type ArchiveReport,
  type Descriptor,
  type ExportOptions,
  type MemoryStore,
  planArchive,
  type Root,
  verifyArchive,
  type VerifyArchiveOptions,
} from "../../mod.ts";
import { collect } from "./bytes.ts";
import { chunked, streamOf } from "./streams.ts";
import { tarEntry, tarOf } from "./tar.ts";

/** An archive's files by path, for a test to damage. */
export type ArchiveFiles = Map<string, Uint8Array>;

/** The files of the archive that these roots make, in its order. */
export async function archiveFiles(
  store: MemoryStore,
  roots: readonly (Descriptor | Root)[],
  options?: ExportOptions,
): Promise<ArchiveFiles> {
  const plan = await planArchive(store, roots, options);
  const bytes = await collect(plan.stream());
  const files = plan.entries.filter(({ type }) => type !== "directory");
  return new Map(
    files.map(({ name, bodyOffset, size }) => [name, bytes.slice(bodyOffset, bodyOffset + size)]),
  );
}

/** The tar of these files. */
export function tarFiles(files: Iterable<readonly [string, Uint8Array]>): Uint8Array<ArrayBuffer> {
  return tarOf(...Array.from(files, ([name, bytes]) => tarEntry(name, bytes)));
}

/** What verifyArchive() says of these bytes. */
export function judge(
  tar: Uint8Array,
  options?: VerifyArchiveOptions,
  chunkSize: number = 65_536,
): Promise<ArchiveReport> {
  return verifyArchive(streamOf(chunked(tar, chunkSize)), options);
}

/** A report's findings, each in one line: `code name: message`. */
export function lines(findings: readonly ArchiveFinding[]): string[] {
  return findings.map(({ code, name, message }) => `${code} ${name}: ${message}`);
}
