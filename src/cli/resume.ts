import type { ArchivePlan } from "../archive/plan.ts";
import { pullStream } from "../archive/pull_stream.ts";
import { type Progress, streamEntries } from "../archive/stream.ts";
import { BufferPool } from "../content/buffer_pool.ts";
import { chunksOf, openBlob } from "../content/read.ts";
import type { BlobBody, ContentStore } from "../content/store.ts";
import { DigestMismatchError, SizeMismatchError } from "../errors.ts";
import { holdFile } from "./file_lock.ts";
import { cannotOpen, copy, findTarget } from "./output.ts";
import { type Kept, PartialFile } from "./partial_file.ts";
import { findPartial, openPartialOutput, type PartialTarget } from "./partial_output.ts";
import { UsageError } from "./usage.ts";

/** What an export that goes on needs. */
export interface Resume {
  store: ContentStore;
  plan: ArchivePlan;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/**
 * `--resume`: exports into `FILE.part`, which an interruption leaves there, and renames it at the
 * end. Of a file that is there already, what is right is kept, verified against the plan; the blob
 * that it ends in is read from the store from there on, and hashed with what the file has of it.
 */
export async function resumeExport(file: string, resume: Resume): Promise<void> {
  const { path, device } = await findTarget(file);
  if (device) throw new UsageError(`--resume needs -o FILE, and ${file} is a device or a pipe`);
  const target = { name: file, path, partial: `${path}.part`, size: resume.plan.size };
  const letGo = await holdFile(target.partial).catch((cause) => {
    throw cannotOpen(file, cause);
  });
  try {
    await verifyAndGoOn(target, resume);
  } finally {
    letGo();
  }
}

async function verifyAndGoOn(target: PartialTarget, resume: Resume): Promise<void> {
  const { size = 0 } = await findPartial(target) ?? {};
  const partial = new PartialFile(target.partial, resume.plan);
  const kept = await partial.verify(size, resume.signal);
  try {
    await goOn(target, partial, kept, resume);
  } catch (error) {
    const isCut = error instanceof DigestMismatchError || error instanceof SizeMismatchError;
    if (!isCut || error.digest !== kept.cut?.descriptor.digest) throw error;
    // It may be the file's part that is damaged, as after a power failure.
    await goOn(target, partial, { verified: kept.verified }, resume);
  }
}

async function goOn(
  target: PartialTarget,
  partial: PartialFile,
  { verified, cut }: Kept,
  { store, plan, signal, onProgress }: Resume,
): Promise<void> {
  const start = cut ? cut.entry.bodyOffset + cut.length : verified;
  const output = await openPartialOutput(target, start);
  const buffers = new BufferPool();
  const stream = streamEntries(
    cut ? goOnInside(store, partial, cut) : store,
    plan.entries,
    plan.size,
    {
      start,
      signal,
      buffers,
      onProgress: ({ bytes, entry }) =>
        onProgress({ bytes: start + bytes, total: plan.size, entry }),
    },
  );
  await copy(stream, output, buffers);
}

/** The store, but for one blob, whose beginning comes from the file. */
function goOnInside(
  store: ContentStore,
  partial: PartialFile,
  { entry, descriptor, length }: NonNullable<Kept["cut"]>,
): ContentStore {
  const joined = (signal?: AbortSignal) =>
    pullStream(async function* (stop) {
      const { bodyOffset } = entry;
      const parts = [
        () => partial.open(bodyOffset, bodyOffset + length, stop),
        () => openBlob(store, descriptor, { offset: length, signal: stop }),
      ];
      for (const open of parts) {
        const body: BlobBody = await open();
        if (body instanceof Uint8Array) yield body;
        else yield* chunksOf(body, descriptor, stop);
      }
    }, { signal });
  return {
    lookAhead: store.lookAhead,
    open: (wanted, options) =>
      wanted.digest === descriptor.digest
        ? Promise.resolve(joined(options?.signal))
        : store.open(wanted, options),
  };
}
