import type { ArchivePlan } from "../archive/plan.ts";
import { type Progress, streamEntries, type StreamOptions } from "../archive/stream.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { copy, openOutput } from "./output.ts";
import { isWorthAThread } from "./medium_blobs.ts";
import { makeReporter, type ProgressStyle } from "./progress.ts";
import {
  bareUrl,
  isUrl,
  openSources,
  planSource,
  refuseOtherSchemes,
  type Source,
  type SourceFlags,
} from "./source.ts";
import { UsageError } from "./usage.ts";

/** The flags of `export` beside those of the source. */
export interface ExportFlags {
  output: string;
  progress: ProgressStyle;
  quiet?: boolean;
  resume?: boolean;
}

/** `oci-archive export`: makes the archive. */
export async function exportCommand(
  sources: readonly string[],
  flags: ExportFlags & SourceFlags,
  signal: AbortSignal,
): Promise<void> {
  if (flags.resume && (flags.output === "-" || isUrl(flags.output))) {
    throw new UsageError("--resume needs -o FILE");
  }
  if (isUrl(flags.output)) bareUrl(flags.output);
  else refuseOtherSchemes(flags.output);
  const source = await openSources(sources, flags, signal);
  const { store } = source;
  const plan = await planSource(source, flags, signal);
  const reporter = await makeReporter(flags.quiet ? "none" : flags.progress, sources.join(" "));
  const onProgress = (progress: Progress) => reporter.update(progress);
  try {
    if (isUrl(flags.output)) {
      const { uploadArchive } = await import("../http/upload.ts");
      await uploadArchive(plan, flags.output, { signal, onProgress });
    } else if (flags.resume) {
      const { resumeExport } = await import("./resume.ts");
      await resumeExport(flags.output, { store, plan, signal, onProgress });
    } else await write(plan, flags.output, { ...source, signal, onProgress });
    reporter.end(true);
  } catch (error) {
    reporter.end(false);
    throw error;
  }
}

async function write(
  plan: ArchivePlan,
  name: string,
  { store, directory, signal, onProgress }:
    & Source
    & Pick<StreamOptions, "signal" | "onProgress">,
): Promise<void> {
  const ahead = directory !== undefined && isWorthAThread(plan)
    ? new (await import("./read_ahead.ts")).ReadAhead({ store, directory, entries: plan.entries })
    : undefined;
  const { createDigester } = ahead ?? {};
  const buffers = ahead ?? new BufferPool();
  try {
    // Only now: of an image that cannot be planned, not even an empty file is left.
    const output = await openOutput(name);
    const read = { createDigester, buffers, signal, onProgress };
    const archive = ahead ? streamEntries(ahead, plan.entries, plan.size, read) : plan.stream(read);
    await copy(archive, output, buffers);
  } finally {
    await ahead?.stop();
  }
}
