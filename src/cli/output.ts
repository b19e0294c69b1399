import { randomUUID } from "node:crypto";
import {
  close,
  fstatSync,
  ftruncate,
  open,
  openSync,
  realpath,
  rename,
  rm,
  stat,
  write,
  writeSync,
} from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import type { BufferPool } from "../content/buffer_pool.ts";
import { UsageError } from "./usage.ts";

const openFile = promisify(open);
const closeFile = promisify(close);
const remove = promisify(rm);
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
  return toDevice(openPipe() ?? STDOUT, "stdout");
}

/**
 * stdout's pipe, opened anew: so it blocks, whatever another process has made of it, and Deno
 * writes to it without the copy that it makes for stdout. Undefined where stdout is no pipe, or
 * there is no /dev/stdout.
 */
function openPipe(): number | undefined {
  try {
    return fstatSync(STDOUT).isFIFO() ? openSync("/dev/stdout", "w") : undefined;
  } catch {
    return undefined;
  }
}

/** What cannot be renamed to: a device, a pipe. */
function toDevice(file: number, name: string): Output {
  const done = () => file === STDOUT ? Promise.resolve() : closeFile(file);
  // A device such as /dev/null takes a chunk sooner than another thread could.
  const put = fstatSync(file).isCharacterDevice() ? writeAtOnce : writeSome;
  return { write: (chunk) => writeAll({ file, name, put }, chunk), finish: done, discard: done };
}

async function openFileOutput(name: string): Promise<Output> {
  const found = await promisify(stat)(name).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageError(`-o ${name} is a directory; name a file in it`);
  if (found && !found.isFile()) return toDevice(await openToWrite(name, name, "w"), name);
  // A symbolic link stays one: what it points to is replaced.
  const target = found ? await promisify(realpath)(name) : name;
  const temporary = `${target}.${randomUUID().slice(0, 8)}.part`;
  const file = await openToWrite(name, temporary, "wx");
  return {
    write: (chunk) => writeAll({ file, name }, chunk),
    async finish() {
      await closeFile(file);
      await promisify(rename)(temporary, target);
    },
    async discard() {
      await closeFile(file).catch(() => {});
      await remove(temporary, { force: true });
    },
  };
}

/**
 * Opens a file behind its first `length` bytes; the rest of it is dropped. It gets its name when it
 * is whole, and stays where it is when not.
 */
export async function openPartialOutput(
  name: string,
  partial: string,
  length: number,
): Promise<Output> {
  const file = await openToWrite(name, partial, "a");
  await promisify(ftruncate)(file, length);
  return {
    write: (chunk) => writeAll({ file, name }, chunk),
    async finish() {
      await closeFile(file);
      await promisify(rename)(partial, name);
    },
    discard: () => closeFile(file),
  };
}

/**
 * Copies a stream to an output. A chunk is written while the next one is read and hashed, so that
 * the slower of the two decides.
 */
export async function copy(
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
  await writeAll({ file: STDOUT, name: "stdout" }, new TextEncoder().encode(answer));
}

async function openToWrite(name: string, path: string, flags: string): Promise<number> {
  try {
    return await openFile(path, flags);
  } catch (cause) {
    throw cannotWrite(name, cause);
  }
}

/** An open file, what people call it, and how to write some bytes to it. */
interface Target {
  file: number;
  name: string;
  put?: (file: number, bytes: Uint8Array) => Promise<number> | number;
}

async function writeAll(
  { file, name, put = writeSome }: Target,
  chunk: Uint8Array,
): Promise<void> {
  try {
    for (let written = 0; written < chunk.length;) {
      written += await put(file, chunk.subarray(written));
    }
  } catch (cause) {
    throw cannotWrite(name, cause);
  }
}

/** The runtime's error with the output's name, which it may not have, and its code. */
function cannotWrite(name: string, cause: unknown): Error {
  const { message, code } = cause as Error & { code?: string };
  return Object.assign(new Error(`Cannot write ${name}: ${message}`, { cause }), { code });
}

function writeAtOnce(file: number, bytes: Uint8Array): number {
  return writeSync(file, bytes);
}

function writeSome(file: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, (error, count) => {
      if (!error) resolve(count);
      // A pipe that its other end has made non-blocking is full: try again when it may be not.
      else if (error.code === "EAGAIN") setTimeout(resolve, 1, 0);
      else reject(error);
    });
  });
}
