/**
 * The thread that reads and hashes ahead, how it is started, and what it shares with the main
 * thread. A module that starts itself, as the URL of another would not be found in a package.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { isMainThread, Worker as NodeWorker, workerData } from "node:worker_threads";
import { readInto } from "../stores/file.ts";
import { threadEnvironment } from "./compile_cache.ts";
import { RingLayout } from "./ring_layout.ts";

/** With fewer files than this before the main thread, one is left to it: else it would wait. */
const LEAD = 8;

/** What both threads know: the same files, in the same order. */
export interface Shared {
  directory: string;
  /** The files' names, a line each. */
  names: string;
  /** Float64: the bytes that each has. */
  sizes: SharedArrayBuffer;
  /** Int32: how far each file is. */
  states: SharedArrayBuffer;
  /** Int32: how many files the main thread has taken, and how many it has done with. */
  progress: SharedArrayBuffer;
  ring: SharedArrayBuffer;
}

/** Where in `progress` each number stands. */
export const TAKEN = 0;
export const RELEASED = 1;

/** The states of a file. Who finds it free takes it. */
export const FREE = 0;
export const IN_HAND = 1;
export const VERIFIED = 2;
/** For the main thread: it is its own, or something is wrong with it. */
export const LEFT = 3;

/** A worker of either kind. */
export interface Thread {
  terminate(): unknown;
}

/** Tells this module, and whoever lists threads, what the thread is for. */
const NAME = "oci-archive read ahead";

/** The part of Deno's namespace that is used. */
interface DenoPermissions {
  permissions: { querySync(wanted: { name: "read"; path: URL }): { state: string } };
}

/**
 * Starts the thread; on Deno as the web does, in 15 ms, where node:worker_threads takes 60. Should
 * it fail, it is not missed: all goes on, only slower.
 */
export function startThread(shared: Shared): Thread | undefined {
  const url = new URL(import.meta.url);
  const { Deno: deno } = globalThis as { Deno?: DenoPermissions };
  if (deno) {
    // A worker that must not read its own module would ask for it, or complain.
    const mayRead = url.protocol !== "file:" ||
      deno.permissions.querySync({ name: "read", path: url }).state === "granted";
    if (!mayRead) return undefined;
    const worker = new Worker(url, { type: "module", name: NAME });
    worker.addEventListener("error", (event) => event.preventDefault());
    worker.postMessage(shared);
    return worker;
  }
  const workerData = { name: NAME, shared };
  const worker = new NodeWorker(url, { name: NAME, env: threadEnvironment(), workerData });
  worker.on("error", () => {});
  return worker;
}

/** What runs in the thread. */
function readAll({ directory, names, sizes, ...shared }: Shared): void {
  const paths = names.split("\n");
  const states = new Int32Array(shared.states);
  const progress = new Int32Array(shared.progress);
  const layOut = new RingLayout(new Float64Array(sizes));
  for (let file = 0; file < paths.length; file++) {
    const taken = Atomics.load(progress, TAKEN);
    file = Math.max(file, taken);
    if (file - taken < LEAD) file++;
    if (file >= paths.length) return;
    for (;;) {
      const released = Atomics.load(progress, RELEASED);
      if (layOut.hasRoom(file, released)) break;
      Atomics.wait(progress, RELEASED, released);
    }
    if (Atomics.compareExchange(states, file, FREE, IN_HAND) !== FREE) continue;
    const room = new Uint8Array(shared.ring, layOut.place(file), layOut.size(file) + 1);
    const isRight = verifyFile(`${directory}/${paths[file]}`, paths[file]!, room);
    Atomics.store(states, file, isRight ? VERIFIED : LEFT);
    Atomics.notify(states, file);
  }
}

/** Reads a file into the room, and says whether it is what its name says, and a byte shorter. */
function verifyFile(path: string, name: string, room: Uint8Array): boolean {
  const [, algorithm, encoded] = name.split("/");
  const size = room.length - 1;
  try {
    if (readInto(path, room, { expected: size, plain: true }) !== size) return false;
    return createHash(algorithm!).update(room.subarray(0, size)).digest("hex") === encoded;
  } catch {
    // The main thread will see it too, and say it.
    return false;
  }
}

if ((globalThis as { name?: string }).name === NAME) {
  addEventListener("message", (event) => readAll((event as MessageEvent<Shared>).data));
} else if (!isMainThread && workerData?.name === NAME) {
  readAll(workerData.shared);
}
