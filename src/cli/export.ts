import { planArchive } from "../archive/plan.ts";
import type { Progress } from "../archive/stream.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { copy, openOutput } from "./output.ts";
import { makeReporter, type ProgressStyle } from "./progress.ts";
import { exportOptions, openSources, type SourceFlags } from "./source.ts";

/** The flags of `export` beside those of the source. */
export interface ExportFlags {
  output: string;
  progress: ProgressStyle;
  quiet?: boolean;
}

/** `oci-archive export`: makes the archive. */
export async function exportCommand(
  sources: readonly string[],
  flags: ExportFlags & SourceFlags,
  signal: AbortSignal,
): Promise<void> {
  const { store, roots } = await openSources(sources, flags, signal);
  const plan = await planArchive(store, roots, exportOptions(flags, signal));
  // Only now: of an image that cannot be planned, not even an empty file is left.
  const output = await openOutput(flags.output);
  const reporter = await makeReporter(flags.quiet ? "none" : flags.progress, sources.join(" "));
  const buffers = new BufferPool();
  const onProgress = (progress: Progress) => reporter.update(progress);
  try {
    await copy(plan.stream({ signal, onProgress, buffers }), output, buffers);
    await output.finish();
    reporter.end(true);
  } catch (error) {
    reporter.end(false);
    await output.discard();
    throw error;
  }
}
