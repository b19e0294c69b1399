import process from "node:process";
import type { ArchiveReport } from "../archive/report.ts";
import { verifyArchive } from "../archive/verify.ts";
import { print } from "./output.ts";
import { isUrl } from "./source.ts";

/** The flags of `verify`. */
export interface VerifyFlags {
  json?: boolean;
}

/** `oci-archive verify`: reads an archive back. Fails where it is unfit. */
export async function verifyCommand(
  archive: string,
  flags: VerifyFlags,
  signal: AbortSignal,
): Promise<void> {
  const name = nameOf(archive);
  const report = await readArchive(archive, signal).catch((cause) => {
    throw signal.aborted ? cause : new Error(`Cannot read ${name}: ${rootOf(cause)}`, { cause });
  });
  await print(flags.json ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  if (!report.ok) {
    const [first] = report.problems as [ArchiveReport["problems"][0]];
    const more = report.problems.length - 1;
    throw new Error(
      `${name} is unfit: ${first.name}: ${first.message}${more > 0 ? ` (and ${more} more)` : ""}`,
    );
  }
}

async function readArchive(archive: string, signal: AbortSignal): Promise<ArchiveReport> {
  return await verifyArchive(await openArchive(archive, signal), { signal });
}

async function openArchive(
  archive: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  if (isUrl(archive)) {
    const response = await fetch(archive, { signal });
    if (response.ok && response.body) return response.body;
    throw new Error(`it answered ${response.status}`);
  }
  if (archive === "-") {
    const { Readable } = await import("node:stream");
    return Readable.toWeb(process.stdin) as unknown as ReadableStream<Uint8Array>;
  }
  const { streamFile } = await import("../stores/file.ts");
  return await streamFile(archive);
}

/** What errors call the archive: the queries of signed URLs are secrets. */
function nameOf(archive: string): string {
  if (archive === "-") return "stdin";
  if (!isUrl(archive)) return archive;
  const { origin, pathname } = new URL(archive);
  return origin + pathname;
}

/** The message of the error behind the error: fetch's own is "fetch failed". */
function rootOf(error: Error): string {
  return error.cause instanceof Error ? rootOf(error.cause) : error.message;
}

function text({ ok, images, entries, blobs, size, problems, warnings }: ArchiveReport): string {
  return [
    ...images.map((image) => `image    ${image}`),
    ...warnings.map(({ name, message }) => `warning  ${name}: ${message}`),
    ...problems.map(({ name, message }) => `problem  ${name}: ${message}`),
    `${ok ? "ok" : "unfit"}: ${entries} entries, ${blobs} blobs, ${size} bytes`,
    "",
  ].join("\n");
}
