import process from "node:process";
import { type ArchiveReport, verifyArchive } from "../archive/verify.ts";
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
  const report = await verifyArchive(await openArchive(archive, signal), { signal });
  await print(flags.json ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  if (!report.ok) {
    const [{ name, message }] = report.problems as [ArchiveReport["problems"][0]];
    const more = report.problems.length - 1;
    throw new Error(
      `${archive} is unfit: ${name}: ${message}${more > 0 ? ` (and ${more} more)` : ""}`,
    );
  }
}

async function openArchive(
  archive: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  if (isUrl(archive)) {
    const response = await fetch(archive, { signal });
    if (response.ok && response.body) return response.body;
    const { origin, pathname } = new URL(archive);
    throw new Error(`Cannot read ${origin}${pathname}: it answered ${response.status}`);
  }
  if (archive === "-") {
    const { Readable } = await import("node:stream");
    return Readable.toWeb(process.stdin) as unknown as ReadableStream<Uint8Array>;
  }
  const { streamFile } = await import("../stores/file.ts");
  return await streamFile(archive);
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
