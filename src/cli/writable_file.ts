import * as fs from "node:fs";
import { promisify } from "node:util";

/** An open file, pipe or device to write to. */
export interface WritableFile {
  /** Writes some of the bytes; gives how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Writes some of the bytes, and lets nothing else run meanwhile; gives how many. */
  writeSync(bytes: Uint8Array): number;
  close(): void | Promise<void>;
}

/** A file that has a name. */
export interface NamedFile extends WritableFile {
  /** Drops what is behind its first `length` bytes. */
  truncate(length: number): Promise<void>;
  stat(): Promise<FileIdentity>;
}

/** What tells a file from others, whatever its name; and its size. */
export interface FileIdentity {
  dev: number;
  ino: number | null;
  size: number;
}

/** What to do with a file: make it, which fails where it is there; empty it; go on behind its end. */
export type WriteMode = "create" | "truncate" | "append";

/** The parts of Deno's namespace that are used. */
interface DenoFiles {
  open(path: string, options: Record<string, boolean>): Promise<NamedFile>;
  readonly stdout: WritableFile;
}

/**
 * On Deno all of node:fs writes on the main thread, also what says that it does not: the hash would
 * wait for the disk, or for who reads the pipe. 1 GiB into `cat` takes 3 s so, and 1 s by Deno's own.
 */
const { Deno: deno } = globalThis as { Deno?: DenoFiles };

const STDOUT = 1;

/** @throws what the runtime throws, with its `code` */
export async function openToWrite(path: string, mode: WriteMode): Promise<NamedFile> {
  if (deno) {
    const create = mode === "create" ? "createNew" : "create";
    return await deno.open(path, { write: true, [create]: true, [mode]: true });
  }
  const flags = { create: "wx", truncate: "w", append: "a" }[mode];
  return nodeFile(await promisify(fs.open)(path, flags));
}

/** The process's own stdout. */
export function stdout(): WritableFile {
  const file = deno?.stdout ?? nodeFile(STDOUT);
  return {
    write: (bytes) => file.write(bytes),
    writeSync: (bytes) => file.writeSync(bytes),
    // It is not ours alone.
    close() {},
  };
}

/** By number, as stdout has no other handle. */
function nodeFile(file: number): NamedFile {
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        fs.write(file, bytes, (error, count) => error ? reject(error) : resolve(count));
      }),
    writeSync: (bytes) => fs.writeSync(file, bytes),
    truncate: (length) => promisify(fs.ftruncate)(file, length),
    stat: () => promisify(fs.fstat)(file),
    close: () => promisify(fs.close)(file),
  };
}
