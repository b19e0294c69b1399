import type { ArchivePlan } from "../archive/plan.ts";
import { planJson } from "../archive/plan_json.ts";
import { ANNOTATION_IMAGE_NAME } from "../oci/annotation.ts";
import { formatBytes } from "./format.ts";
import { print } from "./output.ts";
import { openSources, planSource, type SourceFlags } from "./source.ts";
import { printable } from "./visible.ts";

/** The flags of `inspect` beside those of the source. */
export interface InspectFlags {
  json?: boolean;
}

/** `oci-archive inspect`: shows the plan; no layer is read. */
export async function inspectCommand(
  sources: readonly string[],
  flags: InspectFlags & SourceFlags,
  signal: AbortSignal,
): Promise<void> {
  const plan = await planSource(await openSources(sources, flags, signal), flags, signal);
  await print(flags.json ? `${JSON.stringify(planJson(plan), null, 2)}\n` : table(plan));
}

/** The plan as a table, its totals at the end. */
export function table({ entries, manifests, size, etag }: ArchivePlan): string {
  const width = Math.max(...entries.map((entry) => String(entry.offset).length), 6);
  const lines = entries.map(({ offset, size, name, descriptor }) =>
    `${String(offset).padStart(width)}  ${formatBytes(size).padStart(10)}  ${name}` +
    (descriptor ? `  ${printable(descriptor.mediaType)}` : "")
  );
  return [
    `${"offset".padStart(width)}  ${"size".padStart(10)}  name`,
    ...lines,
    "",
    ...manifests.map(({ digest, annotations }) =>
      `root  ${digest}  ${printable(annotations?.[ANNOTATION_IMAGE_NAME] ?? "")}`.trimEnd()
    ),
    `size  ${size} bytes (${formatBytes(size)})`,
    `etag  ${etag}`,
    "",
  ].join("\n");
}
