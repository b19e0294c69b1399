import type { Stats } from "node:fs";
import { lstat, rename } from "node:fs/promises";
import { cannotWrite, open, type Output, writeAll } from "./output.ts";
import type { NamedFile } from "./writable_file.ts";

/** Where an export goes that may be interrupted, and go on later. */
export interface PartialTarget {
  /** What people call the output. */
  name: string;
  /** The file that the archive becomes. */
  path: string;
  /** The file that it is until then. */
  partial: string;
  /** Bytes that the archive has. */
  size: number;
}

/**
 * The partial file, where it is there.
 *
 * @throws {Error} where something else is: what a symbolic link points to is nobody's part
 */
export async function findPartial(
  { name, partial }: Pick<PartialTarget, "name" | "partial">,
): Promise<Stats | undefined> {
  const found = await lstat(partial).catch(() => undefined);
  if (!found || found.isFile()) return found;
  throw cannotWrite(name, new Error(`${partial} is no regular file; remove it`));
}

/**
 * Opens the partial file behind its first `length` bytes; the rest of it is dropped. It gets its
 * name when it is whole, and stays where it is when not.
 */
export async function openPartialOutput(target: PartialTarget, length: number): Promise<Output> {
  const { name, path, partial, size } = target;
  const found = await findPartial(target);
  const file = await open(name, partial, found ? "append" : "create");
  try {
    await checkIsThere(file, target, found?.size ?? 0);
    await file.truncate(length);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    write: (chunk) => writeAll({ file, name }, chunk),
    async finish() {
      await checkIsThere(file, target, size);
      await file.close();
      await rename(partial, path).catch((cause) => {
        throw cannotWrite(name, cause);
      });
    },
    discard: async () => await file.close(),
  };
}

/** What is renamed must be what was written, whatever others have done to either. */
async function checkIsThere(
  file: NamedFile,
  { name, partial }: PartialTarget,
  size: number,
): Promise<void> {
  const held = await file.stat();
  const there = await findPartial({ name, partial });
  // Deno on Windows may know no ino.
  const isSame = there?.dev === held.dev && there.ino === (held.ino ?? 0);
  if (isSame && held.size === size) return;
  throw cannotWrite(name, new Error(`${partial} has changed meanwhile; start again`));
}
