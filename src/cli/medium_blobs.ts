import type { ArchivePlan } from "../archive/plan.ts";
import type { Descriptor } from "../oci/descriptor.ts";

/**
 * Medium blobs, in bytes: of smaller ones opening the file costs most, which two threads do hardly
 * faster than one; larger ones come in reads that overlap with the hash.
 */
const MIN_SIZE = 64 << 10;
const MAX_SIZE = 1 << 20;
/** With fewer bytes in all, a thread costs more than it gains: 50 ms for its start. */
const WORTH_A_THREAD = 200e6;

/** Whether a blob is of medium size, and has a hash that every runtime has natively. */
export function isMedium({ digest, size, data }: Descriptor): boolean {
  return size >= MIN_SIZE && size < MAX_SIZE && digest.startsWith("sha") && !data;
}

/** Whether an archive comes sooner where a second thread reads and hashes its medium blobs. */
export function isWorthAThread(plan: Pick<ArchivePlan, "size" | "entries">): boolean {
  // Node 20 cannot say.
  if ((globalThis.navigator?.hardwareConcurrency ?? 2) < 2) return false;
  // By the size first: to list 20,000 entries takes 15 ms.
  if (plan.size < WORTH_A_THREAD) return false;
  let bytes = 0;
  for (const { descriptor, size } of plan.entries) {
    if (descriptor && isMedium(descriptor)) bytes += size;
  }
  return bytes >= WORTH_A_THREAD;
}
