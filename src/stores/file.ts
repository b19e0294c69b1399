/**
 * Files on disk, on Deno, Bun and Node by one code path: node:fs.
 *
 * @module
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { sep } from "node:path";
import { type BufferPool, freshBuffer } from "../content/buffer_pool.ts";
import type { BlobBody, OpenOptions } from "../content/store.ts";

/**
 * Files come in chunks of this size, or of the pool's. More would be faster by 5 to 8 %, and cost a
 * server that much more for each client.
 */
const CHUNK = 1 << 20;

/** Through no link, on systems that can, and without waiting at a pipe until somebody writes into it. */
const PLAIN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** How to open a file. */
export interface FileOptions {
  /**
   * Refuse what is not the file itself, but a link to it, a directory, a pipe or a device.
   * @default {false}
   */
  plain?: boolean;
}

/** Which part of a file to open. */
export interface FilePart extends OpenOptions, FileOptions {
  length: number;
  /**
   * How many bytes are expected: with fewer, a short read is followed by another.
   * @default {length}
   */
  expected?: number;
}

/**
 * Opens a file or a part of it. What comes may be shorter than `length`, where the file is.
 *
 * What fits into one chunk is read at once and synchronously: open, read and close take 9 µs for
 * 1 KiB and 32 µs for 256 KiB on Deno, where the asynchronous way takes 70 µs and more.
 *
 * @throws what node:fs throws, with its `code`
 */
export function openFile(
  path: string | URL,
  { offset = 0, length, expected = length, plain, signal, buffers }: FilePart,
): BlobBody | Promise<BlobBody> {
  signal?.throwIfAborted();
  if (length > CHUNK) return streamFile(path, { offset, length, plain, signal, buffers });
  const bytes = takeBuffer(length, buffers);
  return bytes.subarray(0, readInto(path, bytes, { offset, expected, plain }));
}

/**
 * Reads a file into a buffer, at once and synchronously; gives how many bytes came.
 *
 * @throws what node:fs throws, with its `code`
 */
export function readInto(
  path: string | URL,
  bytes: Uint8Array,
  { offset = 0, expected = bytes.length, plain }: Omit<FilePart, "length"> = {},
): number {
  const file = openSync(path, plain ? PLAIN : "r");
  let filled = 0;
  try {
    do {
      const count = readSync(file, bytes, filled, bytes.length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    } while (filled < expected);
    return filled;
  } finally {
    try {
      // What ends where it should is a file. To ask each takes Deno as long as to read it.
      const endsAsExpected = filled === expected && filled < bytes.length;
      if (plain && !endsAsExpected) requireFile(fstatSync(file));
    } finally {
      closeSync(file);
    }
  }
}

/** Streams a file with one read ahead, so that reading goes on while the last chunk is hashed. */
export async function streamFile(
  path: string | URL,
  { offset = 0, length = Infinity, plain, signal, buffers }: OpenOptions & FileOptions = {},
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const file = await open(path, plain ? PLAIN : "r");
  try {
    if (plain) requireFile(await file.stat());
  } catch (error) {
    await file.close();
    throw error;
  }
  const largest = buffers?.size ?? CHUNK;
  // Each chunk is twice as large as the last, so that the hash of it takes as long as the next read.
  let size = Math.min(CHUNK, largest);
  const end = offset + length;
  let at = offset;
  let wanted = 0;
  let ahead: Promise<Uint8Array<ArrayBuffer>> | undefined;
  const readAhead = () => {
    wanted = Math.min(size, end - at);
    size = Math.min(2 * size, largest);
    // A pipe knows no other place than where the last read ended.
    const place = offset === 0 ? null : at;
    at += wanted;
    ahead = wanted === 0 ? undefined : fill(takeBuffer(wanted, buffers), file, place);
    // Its failure is heard when its turn comes.
    ahead?.catch(() => {});
  };
  let abort: () => void;
  const close = async () => {
    signal?.removeEventListener("abort", abort);
    await ahead?.catch(() => {});
    await file.close();
  };
  return new ReadableStream({
    start(controller) {
      abort = () => {
        controller.error(signal!.reason);
        close();
      };
      signal?.addEventListener("abort", abort);
      // Opening took a while.
      if (signal?.aborted) abort();
    },
    async pull(controller) {
      try {
        if (!ahead) readAhead();
        const expected = wanted;
        const chunk = await ahead;
        if (signal?.aborted) return;
        if (chunk && chunk.length > 0) {
          // A short chunk is the file's end.
          if (chunk.length < expected) ahead = undefined;
          else readAhead();
          controller.enqueue(chunk);
          if (ahead) return;
        }
        await close();
        controller.close();
      } catch (error) {
        await close();
        throw error;
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/**
 * Where a path in a folder leads through its links. If that lies in the folder, it is a path that
 * begins with the folder's own, as Deno's permissions may be for that.
 *
 * @param mayLeave whether it may lie outside
 * @throws what node:fs throws, and where it may not lie outside an error with the code that Linux's
 * `RESOLVE_BENEATH` gives
 */
export function realPath(folder: string, path: string, mayLeave: boolean): string {
  const real = realpathSync(folder);
  // That of a disk as a whole ends in one already.
  const root = real.endsWith(sep) ? real.slice(0, -1) : real;
  const target = realpathSync(path);
  if (target.startsWith(root + sep)) return folder + target.slice(root.length);
  if (mayLeave) return target;
  throw Object.assign(
    new Error(
      "a link leads out of the layout; follow it by followLinks (--follow-links) where you trust " +
        "the layout, or copy it with what its links lead to (cp -RL)",
    ),
    { code: "EXDEV" },
  );
}

/** @throws an error with the code that BSD's `O_REGULAR` gives */
function requireFile(stats: Stats): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory() ? "a directory" : stats.isFIFO() ? "a pipe" : "a device";
  throw Object.assign(new Error(`${what} is where a file should be`), { code: "EFTYPE" });
}

/** Fills a buffer from a file; what it returns is shorter only where the file ends. */
async function fill(
  bytes: Uint8Array<ArrayBuffer>,
  file: FileHandle,
  place: number | null,
): Promise<Uint8Array<ArrayBuffer>> {
  let filled = 0;
  while (filled < bytes.length) {
    const at = place === null ? null : place + filled;
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, at);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function takeBuffer(length: number, buffers: BufferPool | undefined): Uint8Array<ArrayBuffer> {
  // A small one is copied on the way anyway, and would waste most of a buffer.
  if (length <= CHUNK / 8) return buffers?.takeSmall(length) ?? new Uint8Array(length);
  return buffers && buffers.size >= length
    ? buffers.take().subarray(0, length)
    : freshBuffer(length);
}
