import { type ArchivePlan, planArchive } from "../archive/plan.ts";
import type { Progress, StreamOptions } from "../archive/stream.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { copy, openOutput } from "./output.ts";
import { makeReporter, type ProgressStyle } from "./progress.ts";
import { exportOptions, isUrl, openSources, type SourceFlags } from "./source.ts";
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
  const { store, roots } = await openSources(sources, flags, signal);
  const plan = await planArchive(store, roots, exportOptions(flags, signal));
  const reporter = await makeReporter(flags.quiet ? "none" : flags.progress, sources.join(" "));
  const onProgress = (progress: Progress) => reporter.update(progress);
  try {
    if (isUrl(flags.output)) {
      const { uploadArchive } = await import("../http/upload.ts");
      await uploadArchive(plan, flags.output, { signal, onProgress });
    } else if (flags.resume) {
      const { resumeExport } = await import("./resume.ts");
      await resumeExport(flags.output, { store, plan, signal, onProgress });
    } else await write(plan, flags.output, { signal, onProgress });
    reporter.end(true);
  } catch (error) {
    reporter.end(false);
    throw error;
  }
}

async function write(
  plan: ArchivePlan,
  name: string,
  options: Pick<StreamOptions, "signal" | "onProgress">,
): Promise<void> {
  // Only now: of an image that cannot be planned, not even an empty file is left.
  const output = await openOutput(name);
  const buffers = new BufferPool(4 << 20);
  try {
    await copy(plan.stream({ ...options, buffers }), output, buffers);
    await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  }
}
