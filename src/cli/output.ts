import { fstatSync, type Stats } from "node:fs";
import { readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { getSystemErrorName } from "node:util";
import type { BufferPool } from "../content/buffer_pool.ts";
import { UsageError } from "./usage.ts";
import {
  type NamedFile,
  openToWrite,
  stdout,
  type WritableFile,
  type WriteMode,
} from "./writable_file.ts";

const STDOUT = 1;

/** Where an archive goes: a file that appears whole or not at all, a device, or stdout. */
export interface Output {
  /** Takes the next chunk; the one before has been written. */
  write(chunk: Uint8Array): Promise<void>;
  /** The archive is whole. */
  finish(): Promise<void>;
  /** It is not, and never will be: nothing is left of it. */
  discard(): Promise<void>;
}

/** Opens what `-o` names. */
export async function openOutput(name: string): Promise<Output> {
  if (name !== "-") return await openFileOutput(name);
  if (process.stdout.isTTY) {
    throw new UsageError("stdout is a terminal, and an archive is no text: give -o FILE or a pipe");
  }
  const stats = fstatSync(STDOUT);
  const file = stats.isFIFO() ? await openPipe() : stdout();
  return toDevice({ file, name: "stdout", atOnce: stats.isCharacterDevice() });
}

/**
 * stdout's pipe, opened anew: so it blocks, whatever another process has made of it. As it is,
 * where there is no /dev/stdout.
 */
async function openPipe(): Promise<WritableFile> {
  try {
    return await openToWrite("/dev/stdout", "truncate");
  } catch {
    return stdout();
  }
}

/** What cannot be renamed to: a device, a pipe. */
function toDevice(target: Target): Output {
  const close = async () => await target.file.close();
  return { write: (chunk) => writeAll(target, chunk), finish: close, discard: close };
}

async function openFileOutput(name: string): Promise<Output> {
  const { path, device } = await findTarget(name);
  if (device) {
    const file = await open(name, path, "truncate");
    return toDevice({ file, name, atOnce: device.isCharacterDevice() });
  }
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
  const file = await open(name, temporary, "create");
  return {
    write: (chunk) => writeAll({ file, name }, chunk),
    async finish() {
      await file.close();
      await rename(temporary, path).catch((cause) => {
        throw cannotWrite(name, cause);
      });
    },
    async discard() {
      try {
        await file.close();
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
}

/** Where an output leads to. */
export interface OutputTarget {
  path: string;
  /** Where it is one, or a pipe: there is nothing to rename to it. */
  device?: Stats;
}

/** Finds what `-o` names. A symbolic link stays one: what it points to is replaced, or made. */
export async function findTarget(name: string): Promise<OutputTarget> {
  if (name === "") throw new UsageError("-o names no file");
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageError(`-o ${name} is a directory; name a file in it`);
  if (found && !found.isFile()) return { path: name, device: found };
  if (found) return { path: await realpath(name) };
  const missing = await readlink(name).catch(() => undefined);
  return { path: missing === undefined ? name : resolve(dirname(name), missing) };
}

/** Copies an archive to an output, which then holds all of it, or is discarded. */
export async function copy(
  archive: ReadableStream<Uint8Array>,
  output: Output,
  buffers: BufferPool,
): Promise<void> {
  try {
    await copyChunks(archive, output, buffers);
    await output.finish();
  } catch (error) {
    // Whatever that fails of, such as a file that was closed before: this error came first.
    await output.discard().catch(() => {});
    throw error;
  }
}

/** A chunk is written while the next one is read and hashed, so that the slower of both decides. */
async function copyChunks(
  archive: ReadableStream<Uint8Array>,
  output: Output,
  buffers: BufferPool,
): Promise<void> {
  const reader = archive.getReader();
  let writing: Promise<void> = Promise.resolve();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      await writing;
      if (done) break;
      writing = output.write(value).then(() => buffers.give(value));
      // Its failure is heard with the next chunk.
      writing.catch(() => {});
    }
  } catch (error) {
    await writing.catch(() => {});
    await reader.cancel(error).catch(() => {});
    throw error;
  }
}

/** Writes an answer to stdout, to its end: what waits in process.stdout is lost at process.exit(). */
export async function print(answer: string): Promise<void> {
  await writeAll({ file: stdout(), name: "stdout" }, new TextEncoder().encode(answer));
}

/** Opens a file of an output; what fails names the output. */
export async function open(name: string, path: string, mode: WriteMode): Promise<NamedFile> {
  try {
    return await openToWrite(path, mode);
  } catch (cause) {
    throw cannotOpen(name, cause);
  }
}

/** Where to write, what people call it, and how. */
interface Target {
  file: WritableFile;
  name: string;
  /** A device such as /dev/null takes a chunk sooner than another thread could. */
  atOnce?: boolean;
}

/** Writes a chunk to its end. */
export async function writeAll({ file, name, atOnce }: Target, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    const rest = chunk.subarray(written);
    try {
      written += atOnce ? file.writeSync(rest) : await file.write(rest);
    } catch (cause) {
      if ((cause as { code?: string }).code !== "EAGAIN") throw cannotWrite(name, cause);
      // A pipe that its other end has made non-blocking is full: try again when it may be not.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** Deno gives some errors no code, such as EFBIG, but always the system's number. */
function codeIn(message: string): string | undefined {
  const [, number] = /\(os error (\d+)\)/.exec(message) ?? [];
  return number === undefined ? undefined : getSystemErrorName(-Number(number));
}

/** {@linkcode cannotWrite}, of a file that could not be made. */
export function cannotOpen(name: string, cause: unknown): Error {
  const isMissing = (cause as { code?: string }).code === "ENOENT";
  const why = new Error("its folder is missing; make it first", { cause });
  return cannotWrite(name, isMissing ? why : cause);
}

/** What a runtime says of these differs from runtime to runtime, and nowhere is it what to do. */
const FAULTS: Record<string, string> = {
  EACCES: "permission denied; name a file where you may write",
  EDQUOT: "no space left in the quota; make room, or name a file elsewhere",
  EFBIG: "it gets larger than a file may be; raise the limit (ulimit -f), or name a file elsewhere",
  ENAMETOOLONG: "the name is too long; name a shorter one",
  ENOSPC: "no space left on the device; make room, or name a file elsewhere",
  ENOTDIR: "what should be its folder is none; name a file in a folder",
  EROFS: "the file system is read-only; name a file elsewhere",
};

/** The runtime's error with the output's name, which it may not have, and its code. */
export function cannotWrite(name: string, cause: unknown): Error {
  const { message, code = codeIn(message) } = cause as Error & { code?: string };
  const why = FAULTS[code ?? ""] ?? message;
  return Object.assign(new Error(`Cannot write ${name}: ${why}`, { cause }), { code });
}
