import process from "node:process";
import type { ArchiveFinding, ArchiveReport } from "../archive/report.ts";
import { verifyArchive } from "../archive/verify.ts";
import { fetchAwaited } from "../content/fetch_awaited.ts";
import { print } from "./output.ts";
import { bareUrl, isUrl, refuseOtherSchemes } from "./source.ts";
import { cannotRead, UsageError } from "./usage.ts";
import { printable, visible } from "./visible.ts";

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
  if (archive === "") throw new UsageError("no archive is named");
  refuseOtherSchemes(archive);
  const name = nameOf(archive);
  const report = await readArchive(archive, signal).catch((cause) => {
    throw signal.aborted ? cause : cannotRead(name, cause);
  });
  await print(flags.json ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  if (!report.ok) {
    const [first] = report.problems as [ArchiveReport["problems"][0]];
    const more = report.problems.length - 1;
    throw new Error(
      `${name} is unfit: ${finding(first)}${more > 0 ? ` (and ${more} more)` : ""}`,
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
    const { withoutUser } = await import("../stores/byte_source.ts");
    const { url, authorization } = withoutUser(new URL(archive));
    const { response, body } = await fetchAwaited(url, {
      headers: new Headers(authorization === undefined ? {} : { authorization }),
      signal,
      failed: (text, advice) => new Error(`${text}; ${advice}`),
    });
    if (response.ok && body) return body;
    await body?.cancel();
    throw new Error(`it answered ${response.status}; check the address, and who may read it`);
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
  return isUrl(archive) ? bareUrl(archive) : archive;
}

function text({ ok, images, entries, blobs, size, problems, warnings }: ArchiveReport): string {
  return [
    ...images.map((image) => `image    ${printable(image)}`),
    ...warnings.map((warning) => `warning  ${finding(warning)}`),
    ...problems.map((problem) => `problem  ${finding(problem)}`),
    `${ok ? "ok" : "unfit"}: ${entries} entries, ${blobs} blobs, ${size} bytes`,
    "",
  ].join("\n");
}

function finding({ name, message }: ArchiveFinding): string {
  return `${printable(name)}: ${visible(message)}`;
}
